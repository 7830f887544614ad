"""The page about other packages, also its blocks that are shown with their output and not run when it is built."""

import re
from pathlib import Path

import pytest

for package in ("mapie", "polars", "shap", "skforecast", "sktime"):
    pytest.importorskip(package)

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "ecosystem.md"


@pytest.mark.filterwarnings("ignore::FutureWarning:sktime")
def test_code_runs_and_prints_what_is_shown(capsys):
    namespace = {}
    for code, shown in re.findall(
        r"^```(?:\{code-cell\} )?python\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", PAGE.read_text(), re.S | re.M
    ):
        exec(compile(code, str(PAGE), "exec"), namespace)
        printed = capsys.readouterr().out
        if shown:
            assert printed.split() == shown.split()
