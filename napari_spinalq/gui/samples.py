"""The sample exams of napari's File menu."""

from __future__ import annotations

from napari_spinalq.gui.convert import LayerData, image_layer
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder

SAMPLES = {"healthy01": "Healthy", "als01": "ALS-like"}
"""Subject label and title."""


def healthy() -> list[LayerData]:
    """Return the layers of the healthy sample exam."""
    return _layers("healthy01")


def als() -> list[LayerData]:
    """Return the layers of the ALS-like sample exam."""
    return _layers("als01")


def _layers(subject: str) -> list[LayerData]:
    files = find_exam([sample_folder() / f"sub-{subject}"]).files
    return [image_layer(load_scan(file.path, file.contrast)) for file in files]
