"""Fixtures that every room of the tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
