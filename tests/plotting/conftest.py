import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def figures():
    """Draw without a display, and close what was drawn, also by examples in docstrings and pages before."""
    plt.switch_backend("Agg")
    plt.close("all")
    yield
    plt.close("all")
