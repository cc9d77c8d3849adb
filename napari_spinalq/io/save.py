"""Saving masks, level maps, maps of quantities and tables. A source image is never opened for writing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.sidecar import Provenance, refuse_sidecar_of_source, sidecar_path, write_sidecar
from napari_spinalq.scan import Scan

GZIP_LEVEL = 6
MASK_TYPES = (np.uint8, np.float32)


def save_mask(data: NDArray, like: Scan, path: str | Path, provenance: Provenance, *, overwrite: bool = False) -> Path:
    """Save a mask or level map on the grid of its image, with a sidecar.

    Parameters
    ----------
    data : array of uint8, bool or float32, shape ``like.grid.shape``
        Values in the axis order of the image file.
    like : Scan
        The image; its header gives affine, sform, qform and their codes, bit for bit.
    path : str or Path
        The output, ``.nii`` or ``.nii.gz``.
    provenance : Provenance
        What the sidecar says.
    overwrite : bool
        Whether existing files may be replaced.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        If the file exists, is a source image or shares its sidecar, has another ending, or the shape or type of the
        data does not fit.
    """
    return _save_image(_checked_data(data, like), like, Path(path), provenance, overwrite)


def save_map(data: NDArray, like: Scan, path: str | Path, provenance: Provenance, *, overwrite: bool = False) -> Path:
    """Save a map of a quantity, several maps or a corrected series on the grid of an image, with a sidecar.

    Parameters
    ----------
    data : array of float32, shape ``like.grid.shape`` or ``like.grid.shape + (n,)``
        Values in the axis order of the image file; NaN where they are not known.
    like, path, provenance, overwrite
        As in :func:`save_mask`.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        As :func:`save_mask`.
    """
    if data.shape[:3] != like.grid.shape or data.ndim > 4:
        raise InputError(f"The map has shape {data.shape} but its image {like.name} has {like.grid.shape}.")
    return _save_image(np.asarray(data, dtype=np.float32), like, Path(path), provenance, overwrite)


def _save_image(data: NDArray, like: Scan, path: Path, provenance: Provenance, overwrite: bool) -> Path:
    path = _checked_output(path, like, provenance)
    refuse_overwrite([path, sidecar_path(path)], overwrite=overwrite)
    image = as_image(data, like)
    raw = image.to_bytes()
    content = gzip.compress(raw, GZIP_LEVEL, mtime=0) if path.name.endswith(".gz") else raw
    with undone_on_failure([path, sidecar_path(path)]):
        write_whole(path, content, overwrite=overwrite, verify=lambda written: _verify(written, image))
        write_sidecar(path, provenance, overwrite=overwrite)
    return path


def save_table(table: pd.DataFrame, path: str | Path, provenance: Provenance, *, overwrite: bool = False) -> Path:
    """Save a table as ``.tsv`` (BIDS: tabs, ``n/a``) or ``.csv`` (commas, empty cells), with a sidecar.

    Raises
    ------
    InputError
        If the ending is neither, a file exists and may not be replaced, or the sidecar would be that of a source.
    """
    path = Path(path)
    if path.suffix not in (".tsv", ".csv"):
        raise InputError(f"{path} must end in .tsv or .csv.")
    refuse_sidecar_of_source(path, provenance.sources)
    refuse_overwrite([path, sidecar_path(path)], overwrite=overwrite)
    tabs = path.suffix == ".tsv"
    text = table.to_csv(index=False, sep="\t" if tabs else ",", na_rep="n/a" if tabs else "", lineterminator="\n")
    with undone_on_failure([path, sidecar_path(path)]):
        write_whole(path, as_utf8(text), overwrite=overwrite)
        write_sidecar(path, provenance, overwrite=overwrite)
    return path


def _checked_output(path: Path, like: Scan, provenance: Provenance) -> Path:
    if not path.name.endswith((".nii", ".nii.gz")):
        raise InputError(f"{path} must end in .nii or .nii.gz.")
    sources = [*provenance.sources, *([like.source] if like.source else [])]
    if any(path.exists() and source.path.exists() and path.samefile(source.path) for source in sources):
        raise InputError(f"{path} is a source image; a source is never written. Name another output.")
    refuse_sidecar_of_source(path, sources)
    return path


def _checked_data(data: NDArray, like: Scan) -> NDArray:
    if data.shape != like.grid.shape:
        raise InputError(f"The mask has shape {data.shape} but its image {like.name} has {like.grid.shape}.")
    if data.dtype == bool:
        data = data.astype(np.uint8)
    if data.dtype not in MASK_TYPES:
        raise InputError(f"A mask is saved as uint8 (or float32 if soft), not {data.dtype}.")
    return data


def as_image(data: NDArray, like: Scan) -> Any:
    """Build a NIfTI image with the header of the source of ``like``, so that its affine stays the same bits.

    Parameters
    ----------
    data : array, shape ``like.grid.shape`` or ``like.grid.shape + (n,)``
        Values in the axis order of the file that ``like`` was read from.
    like : Scan
        The image whose place and orientation are taken over.

    Returns
    -------
    nibabel Nifti1Image or Nifti2Image
    """
    if like.source is None:
        return nib.Nifti1Image(data, like.grid.affine)
    header = like.source.header.copy()
    header.set_data_dtype(data.dtype)
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["cal_min"] = header["cal_max"] = 0
    header["descrip"] = b""
    make = nib.Nifti2Image if isinstance(header, nib.Nifti2Header) else nib.Nifti1Image
    return make(data, None, header)


def _verify(path: Path, image: Any) -> None:
    """Read the written file as any other program would and compare voxels and geometry."""
    written = nib.load(path)
    read, meant = np.asarray(written.dataobj), np.asarray(image.dataobj)  # type: ignore[attr-defined]
    same = np.array_equal(read, meant, equal_nan=meant.dtype.kind == "f")
    if not same or not np.array_equal(written.affine, image.header.get_best_affine()):  # type: ignore[attr-defined]
        raise OSError(f"{path} does not read back as written; the disk may be failing")
