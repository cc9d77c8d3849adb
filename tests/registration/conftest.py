"""A digital person scanned twice: a sagittal scan with known cord, and an axial one after motion, bent in between."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.phantom import healthy_design
from napari_spinalq.phantom.distortion import DistortedScan, Distortion, distorted_scan, slice_frame
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.registration.register import register_scans
from napari_spinalq.registration.registration import Registration

MIDDLE_MM = 8.0
DESIGN = healthy_design(1)
BY_NAME = {protocol.name: protocol for protocol in PROTOCOLS}
SAGITTAL = replace(BY_NAME["t2w"], shape=(34, 44, 84), middle_mm=MIDDLE_MM, anterior_mm=0.0)
AXIAL = replace(BY_NAME["dwi"], shape=(40, 40, 9), middle_mm=MIDDLE_MM)
MOVED = {"shift_mm": (1.2, -1.5), "turn_deg": 3.0}
BENT = {"scale": 0.06, "shear": 0.04, "bend_mm": 3.0}


@dataclass(frozen=True)
class Pair:
    """Two scans with their truth, what lies between them, and the registration found from the true soft masks."""

    source: DistortedScan
    target: DistortedScan
    between: Distortion
    found: Registration


def between_scans(**what) -> Distortion:
    """Return a distortion in the axial stack of the second scan."""
    anatomy = DESIGN.anatomy()
    return Distortion(slice_frame(scan_grid(AXIAL, anatomy)), anatomy.position(MIDDLE_MM), **what)


@pytest.fixture(scope="session")
def sagittal() -> DistortedScan:
    """Return the first scan: nothing is bent."""
    return distorted_scan(DESIGN, scan_grid(SAGITTAL, DESIGN.anatomy()), Contrast.T2W, between_scans(), noise_sd=5.0)


@pytest.fixture(scope="session")
def pair(sagittal) -> Pair:
    """Return both scans, the second one moved and bent by up to 3 mm along the phase-encoding axis."""
    return scanned_again(sagittal, **MOVED, **BENT)


@pytest.fixture(scope="session")
def turned(sagittal) -> Pair:
    """Return both scans, the head turned in between."""
    return scanned_again(sagittal, turn_deg=4.0)


def scanned_again(source: DistortedScan, **what) -> Pair:
    """Return a scan with an axial one after motion and distortion."""
    between = between_scans(**what)
    target = distorted_scan(DESIGN, scan_grid(AXIAL, DESIGN.anatomy()), Contrast.DWI, between, noise_sd=8.0, seed=1)
    return Pair(source, target, between, register_scans(source.scan, source.cord, target.scan, target.cord))


def voxels_mm(grid, where) -> np.ndarray:
    """Return the centres of the voxels of a mask, RAS mm, shape (n, 3)."""
    return grid.voxel_to_mm(np.argwhere(where))
