"""A short stretch of a digital neck with known grey matter and dural sac, cheap enough for every test run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.make import SAMPLING
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, WHITE_TISSUES, Tissue, membership, signal_row
from napari_spinalq.scan import Scan

STACK = replace(PROTOCOLS[1], shape=(72, 64, 5), middle_mm=4.0, anterior_mm=0.0)
"""Five axial T2* slices of 0.5 x 0.5 x 5 mm around C4, cut down to the canal."""


@dataclass(frozen=True, eq=False)
class Neck:
    """Shares of grey matter, white matter and CSF in each voxel, T2* signal of the rest, and where they lie."""

    grid: Grid
    centerline: Centerline
    grey: np.ndarray
    white: np.ndarray
    csf: np.ndarray
    rest: np.ndarray

    @property
    def cord(self) -> np.ndarray:
        return self.grey + self.white

    @property
    def sac(self) -> np.ndarray:
        return self.cord + self.csf

    def scan(self, *, white=195.0, grey=245.0, csf=345.0, rest=1.0, noise=8.0, seed=0) -> Scan:
        """Give the tissues signals and add Gaussian noise."""
        clean = white * self.white + grey * self.grey + csf * self.csf + rest * self.rest
        return Scan((clean + np.random.default_rng(seed).normal(0, noise, clean.shape)).astype(np.float32), self.grid)


def make_neck(tissues=None) -> Neck:
    """Integrate the anatomy over the voxels; ``tissues(anatomy, points)`` may change it."""
    anatomy = healthy_design(7).anatomy()
    grid = scan_grid(STACK, anatomy)
    rest = signal_row("t2star") * (1 - membership((*CORD_TISSUES, Tissue.CSF)))
    columns = [membership((Tissue.GREY_MATTER,)), membership(WHITE_TISSUES), membership((Tissue.CSF,)), rest]
    label_at = anatomy.tissues if tissues is None else lambda points: tissues(anatomy, points)
    grey, white, csf, other = average_over_voxels(label_at, grid, np.stack(columns, axis=1), SAMPLING)
    return Neck(grid, anatomy.centerline, grey, white, csf, other)


@pytest.fixture(scope="session")
def neck() -> Neck:
    return make_neck()


@pytest.fixture(scope="session")
def lopsided_neck() -> Neck:
    """The same neck without the patient's left dorsal horn."""

    def tissues(anatomy, points):
        found = anatomy.tissues(points)
        _, right, anterior = anatomy.curvilinear(points)
        found[(found == Tissue.GREY_MATTER) & (right < 0) & (anterior < 0)] = Tissue.WHITE_MATTER
        return found

    return make_neck(tissues)
