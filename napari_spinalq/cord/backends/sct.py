"""Spinal Cord Toolbox, installed by the user: its command lines, version and files.

De Leener et al. 2017, NeuroImage 145, 24-43, doi:10.1016/j.neuroimage.2016.10.009. Command lines are those of the help
texts of versions 7 (``sct_deepseg TASK -i FILE -o FILE``) and 6 (``sct_deepseg -i FILE -o FILE -task NAME``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.backends.exchange import ExternalMask, provenance, read_labels, write_input, write_mask
from napari_spinalq.cord.backends.process import Tool, last_line, run_program, work_folder
from napari_spinalq.errors import BackendError, CordNotFoundError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import check_same_grid
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan
from napari_spinalq.vertebrae import VERTEBRAE

SCT = Tool("Spinal Cord Toolbox", "SCT_DIR", "https://spinalcordtoolbox.com")
"""``SCT_DIR`` is the variable that its own installer sets."""

FIRST_WITH_TASKS = 7
"""Since this version ``sct_deepseg`` takes the task as its first word."""

MASK_NAME, CORD_NAME, POINT_NAME = "output.nii.gz", "cord.nii.gz", "disc.nii.gz"
LEVELS_NAME = "cord_labeled.nii.gz"
"""``sct_label_vertebrae`` names its level map after the cord mask and writes it into the current folder."""

HALF = 0.5
"""A voxel of a soft mask belongs to the structure if at least half of it does."""

LABEL_CONTRAST = {
    **dict.fromkeys((Contrast.T2W, Contrast.T2STAR), "t2"),
    **dict.fromkeys((Contrast.T1W, Contrast.PSIR, Contrast.MT, Contrast.DWI), "t1"),
}
"""Its help text: ``t2`` is a dark cord in bright CSF, ``t1`` a bright cord in dark CSF."""


def parse_version(printed: str) -> str:
    r"""Return the version that ``sct_version`` printed.

    Examples
    --------
    >>> parse_version("7.0\n"), parse_version("git-master-3ce19094c99e\n")
    ('7.0', 'git-master-3ce19094c99e')
    """
    version = last_line(printed)
    if not re.fullmatch(r"\S+", version):
        raise BackendError(f"{SCT.name} did not tell its version (sct_version printed {version!r}).")
    return version


def has_tasks(version: str) -> bool:
    """Tell whether ``sct_deepseg`` takes the task as its first word; a copy without a number counts as current.

    Examples
    --------
    >>> has_tasks("7.2"), has_tasks("6.5"), has_tasks("git-master-3ce19094c99e")
    (True, False, True)
    """
    number = re.match(r"(\d+)\.", version)
    return number is None or int(number[1]) >= FIRST_WITH_TASKS


def segment_command(version: str, structure: str, image: str, output: str) -> tuple[str, ...]:
    """Return the command line that segments a structure.

    Raises
    ------
    InputError
        If the structure is neither ``"cord"`` nor ``"gm"``.

    Examples
    --------
    >>> " ".join(segment_command("7.0", "cord", "t2.nii.gz", "t2_seg.nii.gz"))
    'sct_deepseg spinalcord -i t2.nii.gz -o t2_seg.nii.gz'
    """
    files = ("-i", image, "-o", output)
    commands: dict[str, tuple[str, ...]] = {
        "cord": ("sct_deepseg", *files, "-task", "seg_sc_contrast_agnostic"),
        "gm": ("sct_deepseg_gm", *files),
    }
    if has_tasks(version):
        commands = {"cord": ("sct_deepseg", "spinalcord", *files), "gm": ("sct_deepseg", "graymatter", *files)}
    if structure not in commands:
        raise InputError(f"{SCT.name} is asked for cord or gm, not {structure}; choose another backend.")
    return commands[structure]


def label_command(contrast: Contrast, image: str, cord: str, point: str | None = None) -> tuple[str, ...]:
    """Return the command line that names vertebral levels.

    Parameters
    ----------
    contrast : Contrast
        Of the image.
    image, cord : str
        File names.
    point : str, optional
        File with one voxel that holds the number of a disc.

    Raises
    ------
    InputError
        If the contrast is unknown: the program needs to know which of cord and CSF is brighter.

    Examples
    --------
    >>> " ".join(label_command(Contrast.T2W, "t2.nii.gz", "t2_seg.nii.gz"))
    'sct_label_vertebrae -i t2.nii.gz -s t2_seg.nii.gz -c t2'
    """
    if contrast not in LABEL_CONTRAST:
        raise InputError(f"{SCT.name} must know the contrast to name levels; give --contrast t1w or t2w.")
    command = ("sct_label_vertebrae", "-i", image, "-s", cord, "-c", LABEL_CONTRAST[contrast])
    return command if point is None else (*command, "-initlabel", point)


def read_mask(path: Path, grid: Grid) -> NDArray[np.uint8]:
    """Read a mask that the program left: binary, or soft and then cut at one half.

    Raises
    ------
    GridMismatchError
        If it lies on another grid than the scan: the program keeps the grid.
    BackendError
        If it is missing or holds other values than 0 to 1.
    """
    found = read_labels(path, SCT)
    check_same_grid(found.grid, grid, f"The mask of {SCT.name}")
    if found.data.min() < 0 or found.data.max() > 1:
        raise BackendError(f"{SCT.name} left a mask with values up to {float(found.data.max()):.4g}, not 0 to 1.")
    return (found.data >= HALF).astype(np.uint8)


def read_levels(path: Path, grid: Grid) -> NDArray[np.uint8]:
    """Read a level map that the program left; its numbers are ours (1 = C1 .. 24 = L5).

    Values beyond L5 (the sacrum and landmarks of the head) are left out.

    Raises
    ------
    GridMismatchError
        If it lies on another grid than the scan.
    BackendError
        If it is missing or holds no level.
    """
    found = read_labels(path, SCT)
    check_same_grid(found.grid, grid, f"The level map of {SCT.name}")
    levels = np.where((found.data >= 1) & (found.data <= len(VERTEBRAE)), np.round(found.data), 0).astype(np.uint8)
    if not levels.any():
        raise BackendError(f"{SCT.name} named no level; point at one disc, such as --disc C2-C3=X,Y,Z.")
    return levels


def segment_with_sct(scan: Scan, structure: str, progress: Progress = silent) -> ExternalMask:
    """Segment the cord or the grey matter with an installed Spinal Cord Toolbox.

    Parameters
    ----------
    scan : Scan
        Of several volumes the mean is given to the program.
    structure : str
        ``"cord"`` or ``"gm"``.
    progress : Progress
        Told that it runs; may stop it.

    Raises
    ------
    BackendError
        If the program is missing or fails.
    CordNotFoundError
        If its mask is empty.
    """
    with work_folder() as folder:
        version = _version(folder, portion(progress, 0.0, 0.05))
        command = segment_command(version, structure, write_input(scan, folder), MASK_NAME)
        run_program(command, SCT, folder, phrase=f"segmenting {structure}", progress=portion(progress, 0.05, 0.95))
        mask = read_mask(folder / MASK_NAME, scan.grid)
    if not mask.any():
        raise CordNotFoundError(f"{SCT.name} found no {structure} in {scan.name}; give another scan or backend.")
    progress(1.0, f"{structure} segmented")
    return ExternalMask(mask, provenance(SCT, version, command))


def label_with_sct(
    scan: Scan, mask: NDArray, point: tuple[int, NDArray[np.float64]] | None = None, progress: Progress = silent
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Name the vertebral levels of a cord with an installed Spinal Cord Toolbox.

    Parameters
    ----------
    scan : Scan
        The image.
    mask : array, shape ``scan.grid.shape``
        Its cord, binary or soft.
    point : tuple of int and (3,) array, optional
        Number and place (RAS mm, inside the scan) of a disc that a person named.
    progress : Progress
        Told that it runs; may stop it.

    Returns
    -------
    levels : array of uint8, shape ``scan.grid.shape``
        As the program left them.
    parameters : dict
        Program, version and command line, for the provenance.

    Raises
    ------
    BackendError
        If the program is missing or fails.
    """
    with work_folder() as folder:
        version = _version(folder, portion(progress, 0.0, 0.05))
        write_mask(np.asarray(mask) >= HALF, scan, folder / CORD_NAME)
        if point is not None:
            write_mask(_single_voxel(*point, scan.grid), scan, folder / POINT_NAME)
        named = None if point is None else POINT_NAME
        command = label_command(scan.contrast, write_input(scan, folder), CORD_NAME, named)
        run_program(command, SCT, folder, phrase="naming levels", progress=portion(progress, 0.05, 0.95))
        levels = read_levels(folder / LEVELS_NAME, scan.grid)
    progress(1.0, "levels named")
    return levels, provenance(SCT, version, command)


def _version(folder: Path, progress: Progress) -> str:
    return parse_version(run_program(("sct_version",), SCT, folder, phrase="asking for its version", progress=progress))


def _single_voxel(number: int, position_mm: NDArray[np.float64], grid: Grid) -> NDArray[np.uint8]:
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[tuple(np.round(grid.mm_to_voxel(position_mm)).astype(int))] = number
    return labels
