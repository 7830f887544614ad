import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def figures():
    """Draw without a display, and close what was drawn."""
    plt.switch_backend("Agg")
    yield
    plt.close("all")
