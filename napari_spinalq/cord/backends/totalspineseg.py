"""TotalSpineSeg, installed by the user: its command line, version and labels.

Warszawer et al. 2024, Proc. ISMRM 32; https://github.com/neuropoly/totalspineseg. It works at 1 mm and carries its
labels back to the grid of the scan, unless it is told not to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.backends.exchange import INPUT_NAME, ExternalMask, provenance, read_labels, write_input
from napari_spinalq.cord.backends.process import Tool, find_program, run_program, work_folder
from napari_spinalq.errors import BackendError, CordNotFoundError, InputError
from napari_spinalq.geometry import Grid, resample_array
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

TOTALSPINESEG = Tool("TotalSpineSeg", "SPINALQ_TOTALSPINESEG", "https://github.com/neuropoly/totalspineseg")

OUTPUT_FOLDER = "labels"
LABELS_FOLDER = "step2_output"
"""Where its second step leaves the labels of vertebrae, discs, canal and cord."""

CORD, CANAL = 1, 2
"""Values of the cord, and of the canal around it without the cord (its label table ``tss_map.json``)."""

DISC_OF_VALUE = {
    **{63 + step: 3 + step for step in range(5)},
    **{71 + step: 8 + step for step in range(12)},
    **{91 + step: 20 + step for step in range(5)},
}
"""Its values of discs (63..67 = C2-C3..C6-C7, 71..82 = C7-T1..T11-T12, 91..95 = T12-L1..L4-L5) and our numbers."""

LEVEL_OF_VALUE = {
    **{11 + step: 1 + step for step in range(7)},
    **{21 + step: 8 + step for step in range(12)},
    **{41 + step: 20 + step for step in range(5)},
}
"""Its values of vertebrae (11..17 = C1..C7, 21..32 = T1..T12, 41..45 = L1..L5) and our numbers."""

LARGEST_VALUE = 100
"""L5-S. Versions before the present table numbered the cord 200 and discs from 202."""

COARSE = "outlined by TotalSpineSeg on voxels of 1 mm: areas are coarse"
RESAMPLED = "labels of TotalSpineSeg lay on another grid: carried to the scan by the nearest voxel"


def parse_version(names: Iterable[str]) -> str:
    """Return the version from the names of installed-package folders; ``"unknown"`` where none tells.

    The program has no option that prints it.

    Examples
    --------
    >>> parse_version(["torch-2.4.dist-info", "totalspineseg-20250224.dist-info"])
    '20250224'
    """
    found = [re.fullmatch(r"totalspineseg-(.+)\.dist-info", name, re.IGNORECASE) for name in names]
    return next((match[1] for match in found if match), "unknown")


def command_line(image: str, folder: str) -> tuple[str, ...]:
    """Return the command line that labels a scan.

    Examples
    --------
    >>> " ".join(command_line("t2.nii.gz", "labels"))
    'totalspineseg t2.nii.gz labels'
    """
    return ("totalspineseg", image, folder)


def read_output(path: Path, grid: Grid) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read the labels that the program left, on the grid of the scan.

    Parameters
    ----------
    path : Path
        Label file.
    grid : Grid
        Of the scan; labels on another grid are carried over by the nearest voxel.

    Returns
    -------
    labels : array of uint8, shape ``grid.shape``
        In the values of the program.
    flags : tuple of str
        That they were carried over, if so.

    Raises
    ------
    BackendError
        If the file is missing, or its values belong to an older table.
    """
    found = read_labels(path, TOTALSPINESEG)
    largest = float(found.data.max())
    if largest > LARGEST_VALUE:
        raise BackendError(
            f"{TOTALSPINESEG.name} left the value {largest:g}, which its present label table does not hold "
            f"(at most {LARGEST_VALUE}); update it."
        )
    if found.grid.matches(grid):
        return found.data.astype(np.uint8), ()
    return resample_array(found.data, found.grid, grid, order=0, fill=0.0).astype(np.uint8), (RESAMPLED,)


def structure_of(labels: NDArray[np.uint8], structure: str) -> NDArray[np.uint8]:
    """Return the mask of the cord, or of the canal up to its outer wall (the cord included).

    Raises
    ------
    InputError
        If the structure is neither ``"cord"`` nor ``"canal"``.
    """
    values = {"cord": (CORD,), "canal": (CORD, CANAL)}
    if structure not in values:
        raise InputError(f"{TOTALSPINESEG.name} segments cord and canal, not {structure}; choose another backend.")
    return np.isin(labels, values[structure]).astype(np.uint8)


def disc_centres_mm(labels: NDArray[np.uint8], grid: Grid) -> dict[int, NDArray[np.float64]]:
    """Return the centre of each labelled disc, RAS mm, by our disc number (C2-C3 is 3)."""
    values = [int(value) for value in np.unique(labels) if int(value) in DISC_OF_VALUE]
    return {DISC_OF_VALUE[value]: grid.voxel_to_mm(np.argwhere(labels == value)).mean(axis=0) for value in values}


def segment_with_totalspineseg(scan: Scan, structure: str, progress: Progress = silent) -> ExternalMask:
    """Segment the cord or the canal with an installed TotalSpineSeg; the result keeps all its labels.

    Parameters
    ----------
    scan : Scan
        Of several volumes the mean is given to the program.
    structure : str
        ``"cord"`` or ``"canal"``.
    progress : Progress
        Told that it runs; may stop it.

    Raises
    ------
    BackendError
        If the program is missing or fails.
    CordNotFoundError
        If it labelled nothing of the structure.
    """
    structure_of(np.zeros(1, dtype=np.uint8), structure)  # refuses before minutes of work
    command = command_line(INPUT_NAME, OUTPUT_FOLDER)
    version = parse_version(_package_names(find_program(command[0], TOTALSPINESEG)))
    with work_folder() as folder:
        write_input(scan, folder)
        run_program(command, TOTALSPINESEG, folder, phrase="labelling", progress=portion(progress, 0.0, 0.95))
        labels, flags = read_output(folder / OUTPUT_FOLDER / LABELS_FOLDER / INPUT_NAME, scan.grid)
    mask = structure_of(labels, structure)
    if not mask.any():
        raise CordNotFoundError(f"{TOTALSPINESEG.name} found no {structure} in {scan.name}; try another backend.")
    progress(1.0, f"{structure} segmented")
    return ExternalMask(mask, provenance(TOTALSPINESEG, version, command), (f"{structure} {COARSE}", *flags), labels)


def _package_names(program: Path) -> list[str]:
    """Return the names of the package folders of the Python environment that a program belongs to."""
    environment = program.resolve().parent.parent
    places = (*environment.glob("lib*/python*/site-packages"), environment / "Lib" / "site-packages")
    return [folder.name for place in places if place.is_dir() for folder in place.glob("*.dist-info")]
