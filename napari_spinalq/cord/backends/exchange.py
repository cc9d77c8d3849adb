"""Files that go to another program and come back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.backends.process import Tool
from napari_spinalq.errors import BackendError
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.save import as_image
from napari_spinalq.scan import Scan

INPUT_NAME = "input.nii.gz"
"""The scan under the name that another program sees: names of people and folders stay out of its reports."""


@dataclass(frozen=True, eq=False)
class ExternalMask:
    """A structure that another program segmented.

    Attributes
    ----------
    mask : array of uint8, shape and axis order of the scan's grid
        0 outside, 1 inside.
    parameters : mapping
        Program, version and command line, for the provenance.
    flags : tuple of str
        What a reader must know.
    labels : array of uint8, same shape, optional
        Everything else that the program labelled in the same run, in its own values.
    """

    mask: NDArray[np.uint8]
    parameters: Mapping[str, Any]
    flags: tuple[str, ...] = ()
    labels: NDArray[np.uint8] | None = field(default=None, repr=False)


def provenance(tool: Tool, version: str, command: tuple[str, ...]) -> dict[str, str]:
    """Return what a sidecar says about a run; file names are those of the temporary folder."""
    return {"backend": tool.name, "backend_version": version, "backend_command": " ".join(command)}


def write_input(scan: Scan, folder: Path) -> str:
    """Write the scan (of several volumes their mean) for another program; return its file name in the folder."""
    volume = scan.mean_volume()
    nib.save(as_image(np.asarray(volume.data, dtype=np.float32), volume), folder / INPUT_NAME)
    return INPUT_NAME


def write_mask(mask: NDArray, scan: Scan, path: Path) -> None:
    """Write a mask or point labels on the grid of a scan for another program."""
    nib.save(as_image(np.asarray(mask).astype(np.uint8), scan), path)


def read_labels(path: Path, tool: Tool) -> Scan:
    """Read a label file that another program left.

    Raises
    ------
    BackendError
        If it is not there.
    InputError
        If it cannot be read.
    """
    if not path.is_file():
        raise BackendError(f"{tool.name} ended without an error but left no {path.name}; run it by hand to see why.")
    scan = load_scan(path)
    if scan.data.ndim != 3:
        raise BackendError(f"{tool.name} left {path.name} with {scan.volumes} volumes, where one was expected.")
    return scan
