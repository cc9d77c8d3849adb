"""The reader of NIfTI files for napari: a dropped scan arrives with its true geometry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_spinalq.gui.convert import LayerData, image_layer, labels_layer
from napari_spinalq.io.bids import NIFTI_ENDINGS, is_scan
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.scan import Scan

MASK_SETTINGS = {"opacity": 0.5}


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return the reader if every path is NIfTI, else None (napari then asks other readers)."""
    paths = [path] if isinstance(path, str) else list(path)
    return read if all(str(one).lower().endswith(NIFTI_ENDINGS) for one in paths) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read scans as image layers; masks and label maps (by name and values) as labels layers.

    Raises
    ------
    InputError
        If a file cannot be used; napari shows the sentence.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [_layer(load_scan(one), Path(one)) for one in paths]


def _layer(scan: Scan, path: Path) -> LayerData:
    if is_scan(path) or not _holds_labels(scan):
        return image_layer(scan)
    return labels_layer(scan.data, scan.grid, scan.name, MASK_SETTINGS)


def _holds_labels(scan: Scan) -> bool:
    """Tell whether the values are whole numbers from 0 to 255 in 3-D: what a labels layer can hold without loss."""
    data = scan.data
    return data.ndim == 3 and bool(data.min() >= 0 and data.max() <= 255 and (data == data.astype("uint8")).all())
