"""Fixtures that every room of the tests shares."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from napari_spinalq import cli


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real scans, or skip the test where it is absent."""
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real scans in {folder} (set SPINALQ_SHARED)")
    return folder


@pytest.fixture(scope="session")
def sct_testing(shared: Path) -> Path:
    """Return the folder of the real human scans with references."""
    return shared / "data" / "sct_testing"


@pytest.fixture
def run(monkeypatch, capfd):
    """Run ``spinalq`` in this process; returns exit code, standard output and error output."""

    def _run(*words):
        monkeypatch.setattr(sys, "argv", ["spinalq", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capfd.readouterr()
        return stop.value.code or 0, out, err

    return _run
