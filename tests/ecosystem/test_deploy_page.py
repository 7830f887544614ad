"""The page on deploying: its cells run."""

import pytest

pytest.importorskip("skops", minversion="0.16")

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "deploy.md"


def test_cells_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    cells = re.findall(r"^```\{code-cell\} python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert cells
    for cell in cells:
        exec(compile(cell, str(PAGE), "exec"), namespace)
    assert {path.name for path in tmp_path.iterdir()} == {"model.skops", "model.keras"}
