"""The choice of the backend, each time in a fresh process."""

import os
import subprocess
import sys

import pytest


def run(code, backend=None):
    env = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    if backend:
        env["KERAS_BACKEND"] = backend
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


FIT = "from sklstm import LSTMForecaster; LSTMForecaster(units=2, epochs=1).fit([[1.0], [2.0]], [1.0, 2.0]); "
SHOW = "import keras; print(keras.backend.backend())"


def test_the_package_imports_no_framework():
    frameworks = "{'keras', 'scikeras', 'jax', 'tensorflow', 'torch', 'matplotlib'}"
    assert run(f"import sklstm.plotting, sys; print({frameworks} & set(sys.modules))") == "set()"


def test_a_fitted_model_is_unpickled_without_a_framework():
    code = FIT.replace("LSTMForecaster(", "m = LSTMForecaster(") + (
        "import pickle, subprocess, sys; data = pickle.dumps(m);"
        'code = \'import pickle, sys; pickle.load(sys.stdin.buffer); print({"keras", "jax"} & set(sys.modules))\';'
        "print(subprocess.run([sys.executable, '-c', code], input=data, capture_output=True).stdout.decode())"
    )
    assert run(code) == "set()"


def test_jax_is_the_default_and_no_other_framework_is_imported_and_the_environment_is_left_alone():
    code = FIT + (
        "import os, sys; assert 'KERAS_BACKEND' not in os.environ; "
        "assert not {'tensorflow', 'torch', 'scikeras'} & set(sys.modules); "
    )
    assert run(code + SHOW) == "jax"


def test_keras_imported_before_decides():
    code = "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras; del os.environ['KERAS_BACKEND']; "
    assert run(code + FIT + SHOW) == "jax"


@pytest.mark.backend
@pytest.mark.thorough
def test_the_first_fit_leaves_global_random_states_alone():
    code = "import random, numpy as np, sklstm; np.random.seed(0); random.seed(0); "  # importing scikit-learn draws
    fit = FIT.replace("epochs=1", "epochs=1, random_state=0")
    draw = "print(np.random.rand(), random.random())"
    assert run(code + fit + draw) == run(code + draw)


@pytest.mark.backend
def test_the_environment_has_decided_here(tiny, windows):
    import keras

    tiny().fit(*windows)
    assert keras.backend.backend() == os.environ.get("KERAS_BACKEND", "jax")


@pytest.mark.backend
@pytest.mark.thorough
def test_the_environment_decides():
    backend = os.environ.get("KERAS_BACKEND", "jax")
    assert run(FIT + SHOW, backend) == backend


def test_a_backend_that_cannot_train_is_an_error():
    assert "'numpy'" in run(f"try: exec({FIT!r})\nexcept ImportError as error: print(error)", "numpy")


def test_a_backend_that_is_not_installed_is_an_error_with_the_cure():
    hide = """
import sys

class Hidden:
    def find_spec(name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name=name)

sys.meta_path.insert(0, Hidden)
"""
    code = f"{hide}try: exec({FIT!r})\nexcept ImportError as error: print(error)"
    assert "pip install 'sklstm[torch]'" in run(code, "torch")
