"""The scan protocol: which grid each contrast is measured on, placed on the person as a technician would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.anatomy import Anatomy


@dataclass(frozen=True)
class Protocol:
    """Geometry and noise of one acquisition.

    Attributes
    ----------
    name : str
        Key of the scan in an exam.
    suffix : str
        Ending of its BIDS file name.
    contrast : Contrast
        What it shows.
    codes : str
        Order in which the file stores its axes, such as ``"PIR"``.
    spacing_mm, shape : tuples in right-left, anterior-posterior, superior-inferior order
        Voxel size and matrix.
    middle_mm : float
        Arc position of the cord at the middle of the field of view, mm.
    anterior_mm : float
        How far the middle of the field of view lies in front of the cord, mm.
    oblique : bool
        Whether the stack is tilted to be perpendicular to the cord at ``middle_mm`` (in whole degrees).
    noise_sd : float
        Standard deviation of the noise in each channel, signal units.
    """

    name: str
    suffix: str
    contrast: Contrast
    codes: str
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    middle_mm: float
    noise_sd: float
    anterior_mm: float = 0.0
    oblique: bool = True

    @property
    def geometry(self) -> tuple:
        """What decides on the grid: scans with equal values share one."""
        return self.codes, self.spacing_mm, self.shape, self.middle_mm, self.anterior_mm, self.oblique


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("t2w", "T2w", Contrast.T2W, "PIR", (0.8, 0.8, 0.8), (64, 160, 224), 11.0, 5.0, -2.0, oblique=False),
    Protocol("t2star", "T2star", Contrast.T2STAR, "LAS", (0.5, 0.5, 5.0), (112, 112, 22), -6.0, 9.0, 1.0),
    Protocol("psir", "PSIR", Contrast.PSIR, "LAS", (0.5, 0.5, 5.0), (112, 112, 22), -6.0, 8.0, 1.0),
    Protocol("mt_on", "mt-on_MTS", Contrast.MT, "LAS", (0.9, 0.9, 5.0), (60, 60, 22), -6.0, 3.5, 1.0),
    Protocol("mt_off", "mt-off_MTS", Contrast.MT, "LAS", (0.9, 0.9, 5.0), (60, 60, 22), -6.0, 3.5, 1.0),
    Protocol("mt_t1w", "flip-2_mt-off_MTS", Contrast.MT, "LAS", (0.9, 0.9, 5.0), (60, 60, 22), -6.0, 3.5, 1.0),
    Protocol("dwi", "dwi", Contrast.DWI, "LAS", (1.0, 1.0, 5.0), (48, 48, 14), 4.0, 11.0),
)
"""The cervical exam: T2w sagittal slab, the others axial stacks perpendicular to the cord at mid-neck."""

DWI_LONG = Protocol("dwi_long", "acq-long_dwi", Contrast.DWI, "LAS", (0.9, 0.9, 5.0), (96, 36, 15), 0.0, 11.0)
"""A reduced field of view as cord protocols at 3 T have it, C2 to C7; not part of the exam, made on request."""


def scan_grid(protocol: Protocol, anatomy: Anatomy) -> Grid:
    """Return the grid of an acquisition placed on a person, with its axes in the protocol's storage order."""
    spacing, shape = np.asarray(protocol.spacing_mm), np.asarray(protocol.shape)
    turn = _stack_rotation(protocol, anatomy)
    middle = anatomy.position(protocol.middle_mm) + turn @ [0.0, protocol.anterior_mm, 0.0]
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    # A scanner writes positions with finite digits; rounding also keeps header and truth tables short.
    affine[:3, 3] = np.round(middle - affine[:3, :3] @ ((shape - 1) / 2), 3)
    return Grid(protocol.shape, affine).reoriented(protocol.codes)


def _stack_rotation(protocol: Protocol, anatomy: Anatomy) -> NDArray[np.float64]:
    """Return columns right, anterior, superior of the stack, tilted in the sagittal plane only."""
    if not protocol.oblique:
        return np.eye(3)
    tangent = anatomy.tangent(protocol.middle_mm)
    angle = np.radians(np.round(np.degrees(np.arctan2(tangent[1], tangent[2]))))
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]])
