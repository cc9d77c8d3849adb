"""Small images, and a journal that writes nowhere but below ``tmp_path``."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_spinalq.io.journal import ImageRef
from napari_spinalq.io.journal.places import STATE_VARIABLE


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """Keep what is kept per user below ``tmp_path``."""
    folder = tmp_path / "state"
    monkeypatch.setenv(STATE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def home(tmp_path) -> Path:
    """Return where a journal belongs."""
    return tmp_path / "out" / "sub-01" / "sub-01.edits.jsonl"


def image(name="sub-01_T2w.nii.gz", axes="LAS", shape=(5, 6, 7), sha256="a" * 64) -> ImageRef:
    """Return an image of which only the name, the order and the size matter."""
    return ImageRef(name=name, sha256=sha256, shape=shape, axes=axes, affine="0" * 16)
