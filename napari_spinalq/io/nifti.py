"""Reading NIfTI files, with every known way to be unusable told in one sentence."""

from __future__ import annotations

import gzip
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.scan import Scan, Source, place_of
from napari_spinalq.vertebrae import VERTEBRAE, level_name

SPACING_TOLERANCE = 0.01
"""A header's pixel size may differ from its affine by this fraction before the file counts as contradictory."""

WRONG_UNITS = {1: "metres", 3: "micrometres"}
"""Codes of ``xyzt_units`` (NIfTI-1, low three bits) that are not millimetres; 0 says nothing and is read as mm."""

LARGEST_VALUE = 1e30
"""No scanner writes greater values, and from about 1e38 on the means of float32 values overflow."""

CHUNK_BYTES = 1 << 20


def load_scan(path: str | Path, contrast: Contrast | None = None, *, allow_missing: bool = False) -> Scan:
    """Read an image.

    Parameters
    ----------
    path : str or Path
        A NIfTI-1 or NIfTI-2 file, ``.nii`` or ``.nii.gz``, 3-D or 4-D.
    contrast : Contrast, optional
        What it shows; by default recognised from the file name.
    allow_missing : bool
        Let NaN and Inf pass, as in a map of a quantity that is not known everywhere.

    Returns
    -------
    Scan
        Values as scaled by the header. An uncompressed file without scaling stays memory-mapped.

    Raises
    ------
    InputError
        If the file is missing, not NIfTI, truncated, empty, not 3-D or 4-D, RGB or complex, holds NaN or Inf (unless
        allowed) or values beyond ``LARGEST_VALUE``, has an impossible geometry, or does not say in which unit and
        orientation its voxels lie.
    """
    path = Path(path)
    image = _open(path)
    data = _values(image, path, allow_missing)
    grid = _grid(image, path)
    source = Source(place_of(path), image.header.copy())
    return Scan(data, grid, contrast or contrast_from_name(path.name), source)


def load_mask(path: str | Path, like: Grid | None = None) -> Scan:
    """Read a mask: 0 outside, 1 inside, values between count as partial volume.

    Parameters
    ----------
    path : str or Path
        NIfTI file, 3-D.
    like : Grid, optional
        The grid that it must share.

    Raises
    ------
    InputError
        As :func:`load_scan`; also if it is 4-D, all zero, or has values outside 0..1.
    GridMismatchError
        If it lies on another grid; the message says which property differs and by how much.
    """
    scan = load_scan(path)
    _check_3d(scan, "mask")
    if like is not None:
        check_same_grid(scan.grid, like, str(path))
    low, high = float(scan.data.min()), float(scan.data.max())
    if high == 0 and low == 0:
        raise InputError(f"The mask {path} is empty (all voxels are zero); draw or segment the structure first.")
    if low < 0 or high > 1:
        raise InputError(
            f"The mask {path} holds values from {low:.4g} to {high:.4g}; a mask holds 0 to 1 (1 = fully inside)."
        )
    return scan


def load_levels(path: str | Path, like: Grid | None = None) -> Scan:
    """Read a level map: each voxel holds 0 or its vertebral level (1 = C1 .. 24 = L5).

    Raises
    ------
    InputError
        As :func:`load_scan`; also if no level is present, a value is no level, or the levels do not follow each
        other down the cord: one occurs above and below another, or lies above one that it should lie below.
    GridMismatchError
        If it lies on another grid.
    """
    scan = load_scan(path)
    _check_3d(scan, "level map")
    if like is not None:
        check_same_grid(scan.grid, like, str(path))
    values = np.unique(scan.data)
    levels = values[values != 0]
    if levels.size == 0:
        raise InputError(f"The level map {path} holds no level (all voxels are zero); label the discs first.")
    if np.any(levels != np.round(levels)) or levels.min() < 0 or levels.max() > len(VERTEBRAE):
        raise InputError(
            f"The level map {path} holds values from {levels.min():.4g} to {levels.max():.4g}; "
            f"a level is a whole number from 1 (C1) to {len(VERTEBRAE)} (L5)."
        )
    _check_order(scan, levels.astype(int), path)
    return scan


def load_grid(path: str | Path) -> Grid:
    """Read where the voxels of a file lie, from its header alone.

    Raises
    ------
    InputError
        If the file is missing, not NIfTI, or has an impossible or unsaid geometry.
    """
    path = Path(path)
    return _grid(_open(path), path)


def check_same_grid(grid: Grid, like: Grid, what: str) -> None:
    """Refuse a file on another grid, saying which property differs and by how much."""
    difference = grid.difference(like)
    if difference:
        raise GridMismatchError(f"{what} lies on another grid than its image: {difference}; resample it to the image.")


def _open(path: Path) -> Any:
    if not path.exists():
        raise InputError(f"There is no file {path}; check the path.")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a NIfTI file (.nii or .nii.gz).")
    if path.stat().st_size == 0:
        raise InputError(f"The file {path} is empty (0 bytes); copy or export it again.")
    try:
        with _unlogged():
            image = nib.load(path, mmap="r")
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); ask its owner for access.") from None
    except (nib.filebasedimages.ImageFileError, HeaderDataError, OSError, EOFError, ValueError, OverflowError):
        raise InputError(
            f"{path} is not a readable NIfTI file (or is damaged); export it again as .nii or .nii.gz."
        ) from None
    except zlib.error:
        raise InputError(f"{path} is a damaged gzip file; copy or export it again.") from None
    if not isinstance(image, nib.Nifti1Image):  # Nifti2Image is a subclass
        raise InputError(f"{path} is {type(image).__name__}, not NIfTI; convert it to .nii or .nii.gz.")
    return image


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep nibabel's notes on a header from the error stream, where they would stand above our one sentence."""
    nibabel_logger.disabled = True
    try:
        yield
    finally:
        nibabel_logger.disabled = False


def _values(image: Any, path: Path, allow_missing: bool) -> NDArray:
    dtype = image.get_data_dtype()
    if dtype.fields is not None:
        raise InputError(f"{path} is a colour (RGB) image; give the grey-value scan it was made from.")
    if dtype.kind == "c":
        raise InputError(f"{path} holds complex values; give the magnitude (or real) image.")
    shape = tuple(n for n in image.shape)
    if len(shape) > 3 and all(n == 1 for n in shape[3:]):
        shape = shape[:3]
    if len(shape) not in (3, 4):
        raise InputError(f"{path} has {len(image.shape)} dimension(s) {image.shape}; a 3-D or 4-D scan is needed.")
    if min(shape) < 1:
        raise InputError(f"{path} holds no voxels (shape {shape}); export it again.")
    _check_length(image, path)
    try:
        data = np.asanyarray(image.dataobj)
    except (EOFError, OSError, zlib.error, gzip.BadGzipFile, ValueError, HeaderDataError):
        raise InputError(f"{path} is truncated or damaged: its voxels cannot be read; copy it again.") from None
    data = data.reshape(shape)
    _check_values(data, path, allow_missing)  # before the cast, which would turn great values into infinite ones
    return data if data.dtype != np.float64 else data.astype(np.float32)


def _check_length(image: Any, path: Path) -> None:
    """Refuse a file that holds fewer bytes than its header promises, before memory is asked for them."""
    promised = int(image.dataobj.offset) + math.prod(image.shape) * image.get_data_dtype().itemsize
    held = _length(path)
    if held < promised:
        raise InputError(
            f"{path} is truncated or damaged: its header promises {promised} bytes, it holds {held}; copy it again."
        )


def _length(path: Path) -> int:
    """Return the length of the content, bytes. A gzip file is read to its end, where its checksum stands.

    Reading the voxels alone stops before the checksum, so that wrong values would pass.
    """
    if path.suffix.lower() != ".gz":
        return path.stat().st_size
    try:
        with gzip.open(path) as stream:
            return sum(len(chunk) for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""))
    except (EOFError, OSError, zlib.error):
        raise InputError(f"{path} is a truncated or damaged gzip file; copy or export it again.") from None


def _check_values(data: NDArray, path: Path, allow_missing: bool) -> None:
    if data.dtype.kind != "f":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        finite = np.isfinite(data)
    if not finite.all() and not allow_missing:
        count = int(data.size - np.count_nonzero(finite))
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(
            f"{path} holds {count} voxel(s) that are not finite numbers (NaN or Inf), the first at {where}; "
            "replace them before use."
        )
    largest = float(np.abs(data).max(where=finite, initial=0.0))
    if largest > LARGEST_VALUE:
        raise InputError(f"{path} holds values up to {largest:.3g}, which no scanner writes; export it again.")


def _grid(image: Any, path: Path) -> Grid:
    raw = _raw_header(image, path)
    _check_placed(image, raw, path)
    zooms = np.asarray(raw["pixdim"][1:4], dtype=float)
    if not np.isfinite(zooms).all() or (zooms <= 0).any():
        raise InputError(f"{path} has an impossible voxel size {zooms.tolist()} mm; repair pixdim in its header.")
    try:
        grid = Grid(image.shape[:3], image.affine)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if not np.allclose(grid.spacing, zooms, rtol=SPACING_TOLERANCE):
        raise InputError(
            f"{path} contradicts itself: voxel size {zooms.round(4).tolist()} mm in pixdim but "
            f"{np.round(grid.spacing, 4).tolist()} mm in the affine; repair its header."
        )
    return grid


def _check_placed(image: Any, raw: Any, path: Path) -> None:
    """Refuse a grid whose unit is not mm or whose orientation nobody recorded: both would be guessed."""
    unit = int(raw["xyzt_units"]) % 8
    if unit in WRONG_UNITS:
        raise InputError(f"{path} gives its voxel size in {WRONG_UNITS[unit]}; convert its header to millimetres.")
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise InputError(
            f"{path} does not say how it is oriented (sform and qform codes are 0), so left and right would be a "
            "guess; convert it from DICOM again."
        )
    _check_one_handed(image.header, path)


def _check_one_handed(header: Any, path: Path) -> None:
    """Refuse a header whose sform and qform are mirror images: programs that trust either would swap left and right."""
    if header["sform_code"] == 0 or header["qform_code"] == 0:
        return
    try:
        volumes = [np.linalg.det(form[:3, :3]) for form in (header.get_sform(), header.get_qform())]
    except HeaderDataError:  # an unusable qform beside the sform that counts
        return
    if volumes[0] * volumes[1] < 0:
        raise InputError(
            f"The sform and qform of {path} mirror each other, so left and right would be a guess; convert it from "
            "DICOM again."
        )


def _raw_header(image: Any, path: Path) -> Any:
    """Read the header as it lies in the file: nibabel mends a zero or negative voxel size without a word."""
    with nib.openers.Opener(str(path)) as stream:
        return type(image.header).from_fileobj(stream, check=False)


def _check_3d(scan: Scan, what: str) -> None:
    if scan.data.ndim != 3:
        raise InputError(f"The {what} {scan.name} has {scan.volumes} volumes; a {what} is 3-D.")


def _check_order(scan: Scan, levels: NDArray[np.int_], path: str | Path) -> None:
    """Refuse a level whose slices are cut in two by another level, or that lies above one it should lie below."""
    data = scan.in_work_order().data
    present = {int(level): np.flatnonzero((data == level).any(axis=(1, 2))) for level in levels}
    middle = {level: float(np.median(slices)) for level, slices in present.items()}
    for level, slices in present.items():
        for other, centre in middle.items():
            inside = slices.min() < centre < slices.max() and not np.any(slices == round(centre))
            if other != level and inside:
                raise InputError(
                    f"The level map {path} holds {level_name(level)} twice, above and below "
                    f"{level_name(other)}; correct the map."
                )
    for upper, lower in pairwise(sorted(middle)):
        if middle[lower] > middle[upper]:
            raise InputError(
                f"The level map {path} holds {level_name(lower)} above {level_name(upper)}; correct the map or the "
                "orientation in its header."
            )
