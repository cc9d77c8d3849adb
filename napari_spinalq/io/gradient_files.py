"""Reading and writing the gradient files of a diffusion series: FSL bval/bvec and MRtrix tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import (
    B0_THRESHOLD,
    GradientTable,
    fsl_directions,
    ras_directions,
    refuse_unless_tensor,
    refuse_without_unweighted,
)
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.bids import find_gradients
from napari_spinalq.io.number_table import read_numbers

NORM_TOLERANCE = 0.01
"""A direction may differ from unit length by this share: files with three digits round by less. It is then made
unit length."""

LARGEST_B_OF_OTHER_UNIT = 10.0
"""Tables whose largest b-value lies below this are taken to be in ms/um2 (0.8 to 3 there; 800 to 3000 in s/mm2)."""

DIGITS = 8
"""Digits after the point in directions that are written: 1e-8 is far below any scanner's accuracy."""


def read_gradients(
    scan_path: Path,
    grid: Grid,
    n_volumes: int,
    *,
    bval: Path | None = None,
    bvec: Path | None = None,
    grad: Path | None = None,
    b0_threshold: float = B0_THRESHOLD,
) -> GradientTable:
    """Read the diffusion scheme of a series.

    FSL: ``bval`` holds one b-value a volume (s/mm2) in a row or a column, ``bvec`` directions along the axes of the
    image, the first negated where the affine has a positive determinant, as 3 rows (FSL's own layout) or 3 columns. A
    table of 3 x 3 numbers is read in FSL's layout. MRtrix: one row ``x y z b`` a volume, directions in RAS, which are
    never flipped; where directions are not of unit length, b is multiplied by their squared length, as MRtrix does by
    default (MRtrix3 documentation, option ``-bvalue_scaling``). For FSL files nobody defines such a scaling, and
    directions that are not of unit length are refused.

    Parameters
    ----------
    scan_path : Path
        The series; gradient files beside it are used where none is given.
    grid : Grid
        Of the series.
    n_volumes : int
        How many volumes it holds.
    bval, bvec : Path, optional
        FSL files.
    grad : Path, optional
        MRtrix table; not together with ``bval`` and ``bvec``.
    b0_threshold : float
        Volumes weighted by no more than this count as unweighted, s/mm2.

    Returns
    -------
    GradientTable
        b-values in s/mm2, unit directions in RAS.

    Raises
    ------
    InputError
        If a file is missing, is no table of numbers, does not fit the series or the other file, or describes a scheme
        that no tensor can be fitted to; the message says which and how to mend it.
    """
    if not b0_threshold >= 0:
        raise InputError(
            f"A b0 threshold of {b0_threshold:g} is no b-value; give one in s/mm2, such as {B0_THRESHOLD:g}."
        )
    files = _files(scan_path, bval, bvec, grad)
    b_values, vectors, b_name, name = _numbers(files, n_volumes)
    _refuse_b_values(b_values, b0_threshold, b_name)
    directions = _unit(vectors, b_values > b0_threshold, name)
    if not isinstance(files, Path):
        directions = _normalised(ras_directions(directions, grid))
    table = GradientTable(b_values, directions, b0_threshold)
    refuse_unless_tensor(table, f"The scheme in {name}")
    return table


def _numbers(
    files: Path | tuple[Path, Path], n_volumes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], str, str]:
    """Return b-values and directions as they stand in the files, and the name of the file of each."""
    if isinstance(files, Path):
        return (*_read_mrtrix(files, n_volumes), files.name, files.name)
    b_values, vectors = _read_b_values(files[0], n_volumes), _read_fsl_vectors(files[1], n_volumes)
    return b_values, vectors, files[0].name, files[1].name


def write_gradients(table: GradientTable, grid: Grid, stem_path: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write FSL files for a series on ``grid``: ``<stem>.bval`` (a row) and ``<stem>.bvec`` (3 rows).

    Parameters
    ----------
    table : GradientTable
        What to write.
    grid : Grid
        Of the series; FSL directions are relative to its axes.
    stem_path : Path
        Path of the series without its ending.
    overwrite : bool
        Whether existing files may be replaced.

    Returns
    -------
    bval, bvec : Path
        The files; both are written, or none.

    Raises
    ------
    InputError
        If one exists and may not be replaced, or cannot be written.
    """
    bval, bvec = (stem_path.with_name(stem_path.name + ending) for ending in (".bval", ".bvec"))
    weights = " ".join(f"{value:.10g}" for value in table.b_values)
    rows = np.round(fsl_directions(table.directions, grid).T, DIGITS) + 0.0  # turns -0.0 into 0.0
    vectors = "\n".join(" ".join(f"{value:.{DIGITS}f}" for value in row) for row in rows)
    refuse_overwrite([bval, bvec], overwrite=overwrite)
    with undone_on_failure([bval, bvec]):
        write_whole(bval, as_utf8(weights + "\n"), overwrite=overwrite)
        write_whole(bvec, as_utf8(vectors + "\n"), overwrite=overwrite)
    return bval, bvec


def _files(scan_path: Path, bval: Path | None, bvec: Path | None, grad: Path | None) -> Path | tuple[Path, Path]:
    """Return an MRtrix table, or bval and bvec: as given, else as found beside the scan (FSL first)."""
    if grad is not None and (bval is not None or bvec is not None):
        raise InputError(f"Give either bval and bvec or the table {grad.name} for {scan_path.name}, not both.")
    if grad is not None:
        return grad
    found = find_gradients(scan_path)
    given = bval is not None or bvec is not None
    bval, bvec = bval or found.bval, bvec or found.bvec
    if bval is not None and bvec is not None:
        return bval, bvec
    if found.grad is not None and not given:
        return found.grad
    missing = [name for name, path in (("bval", bval), ("bvec", bvec)) if path is None]
    raise InputError(
        f"{scan_path.name} has no {' and no '.join(missing)} file beside it; name the gradient files, or put them "
        "there under the name of the scan."
    )


def _read_b_values(path: Path, n_volumes: int) -> NDArray[np.float64]:
    numbers = read_numbers(path)
    if 1 not in numbers.shape:
        raise InputError(
            f"{path} holds {numbers.shape[0]} rows of {numbers.shape[1]} numbers; b-values stand in one row or in one "
            "column."
        )
    if numbers.size != n_volumes:
        raise InputError(
            f"{path.name} has {numbers.size} b-values, the series {n_volumes} volumes; give the file that belongs to "
            "it."
        )
    return numbers.ravel()


def _read_fsl_vectors(path: Path, n_volumes: int) -> NDArray[np.float64]:
    numbers = read_numbers(path)
    if 3 not in numbers.shape:
        raise InputError(
            f"{path} holds {numbers.shape[0]} rows of {numbers.shape[1]} numbers; directions stand in 3 rows or in 3 "
            "columns."
        )
    vectors = numbers.T if numbers.shape[0] == 3 else numbers  # 3 x 3: FSL's own layout decides
    if len(vectors) != n_volumes:
        raise InputError(
            f"{path.name} has {len(vectors)} directions, the series {n_volumes} volumes; give the file that belongs to "
            "it."
        )
    return vectors


def _read_mrtrix(path: Path, n_volumes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return b-values and unit directions, RAS, of a table with rows x y z b."""
    numbers = read_numbers(path)
    if numbers.shape[1] != 4:
        raise InputError(
            f"{path} holds {numbers.shape[0]} rows of {numbers.shape[1]} numbers; a gradient table has one row of four "
            "numbers (x y z b) for each volume."
        )
    if len(numbers) != n_volumes:
        raise InputError(
            f"{path.name} has {len(numbers)} rows, the series {n_volumes} volumes; give the file that belongs to it."
        )
    vectors, b_values = numbers[:, :3], numbers[:, 3].copy()
    lengths = np.linalg.norm(vectors, axis=1)
    scaled = (lengths > 0) & (np.abs(lengths - 1) > NORM_TOLERANCE)
    b_values[scaled] *= lengths[scaled] ** 2
    return b_values, np.where(scaled[:, None], _normalised(vectors), vectors)


def _refuse_b_values(b_values: NDArray[np.float64], b0_threshold: float, name: str) -> None:
    if b_values.min() < 0:
        volume = int(np.argmin(b_values))
        raise InputError(f"{name} has a negative b-value ({b_values[volume]:g}, volume {volume}); mend the file.")
    largest = float(b_values.max())
    if largest == 0:
        raise InputError(
            f"All b-values in {name} are 0: the series shows no diffusion; give the file that belongs to it."
        )
    if largest < LARGEST_B_OF_OTHER_UNIT:
        raise InputError(
            f"The b-values in {name} reach only {largest:g}, which looks like ms/um2; write them in s/mm2 (a thousand "
            "times as much)."
        )
    if largest <= b0_threshold:
        raise InputError(
            f"No b-value in {name} is above the b0 threshold of {b0_threshold:g} s/mm2 (the largest is {largest:g}); "
            "lower the threshold."
        )
    refuse_without_unweighted(b_values, b0_threshold, f"The scheme in {name}")


def _unit(vectors: NDArray[np.float64], weighted: NDArray[np.bool_], name: str) -> NDArray[np.float64]:
    """Return unit vectors, zero for unweighted volumes without a direction."""
    lengths = np.linalg.norm(vectors, axis=1)
    without = np.flatnonzero(weighted & (lengths < NORM_TOLERANCE))
    if len(without):
        raise InputError(
            f"{name} gives no direction (0 0 0) for the weighted volume {without[0]} (counted from 0); give its "
            "direction, or take trace-weighted volumes out of the series and the gradient files."
        )
    off = weighted & (np.abs(lengths - 1) > NORM_TOLERANCE)
    if off.any():
        raise InputError(_length_message(lengths, weighted, int(np.argmax(off)), name))
    return _normalised(np.where(lengths[:, None] < NORM_TOLERANCE, 0.0, vectors))


def _length_message(lengths: NDArray[np.float64], weighted: NDArray[np.bool_], volume: int, name: str) -> str:
    said = f"Directions in {name} are not of unit length (volume {volume}, counted from 0: {lengths[volume]:.4g})"
    if lengths[weighted].max() <= 1 + NORM_TOLERANCE:
        shares = ", ".join(f"{share:.2g}" for share in np.unique(np.round(lengths[weighted] ** 2, 2))[:4])
        return (
            f"{said}; lengths up to 1 often encode the b-value by their square (here {shares} of the nominal one): "
            "write each volume's own b-value into bval and unit vectors into bvec."
        )
    return f"{said}; check that the file holds directions, in 3 rows or 3 columns."


def _normalised(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors at unit length; those without length stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
