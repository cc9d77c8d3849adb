"""How often a wrong gradient table is found on simulated exams, and a right one blamed.

Run ``python benchmarks/gradient_check.py``. Each exam is fitted once and checked with all 24 tables that differ by
order and sign of the axes. A table that differs from the right one by no more than the cord's course can tell is
counted as not tellable; it must not be blamed either.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.diffusion.gradient_check import CHANGES, changed_directions, check_gradients
from napari_spinalq.diffusion.tensor import TensorFit, fit_tensor
from napari_spinalq.geometry import Grid
from napari_spinalq.phantom import make_exam
from napari_spinalq.phantom.anatomy import Pose
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.protocol import PROTOCOLS

SEEDS, ROLLS_DEG, NOISES = (1, 2, 3, 4), (0.0, 8.0), (1.0, 1.5, 3.0)
"""Noise 1, 1.5 and 3 give an SNR of about 25, 17 and 8 without weighting in the cord."""


def main() -> None:
    """Print one row for each orientation, lean and noise, summed over people."""
    protocol = next(one for one in PROTOCOLS if one.name == "dwi")
    print(f"{'stack':10}{'lean':>6}{'noise':>7}{'wrong':>7}{'tellable':>10}{'found':>7}{'blamed though right':>21}")
    for oblique in (True, False):
        for roll in ROLLS_DEG:
            for noise in NOISES:
                counts = np.zeros(4, dtype=int)
                for seed in SEEDS:
                    design = replace(healthy_design(seed), noise=noise, pose=Pose(roll_deg=roll))
                    exam = make_exam(design, contrasts=["dwi"], protocols=[replace(protocol, oblique=oblique)])
                    counts += _counts(exam.scans["dwi"], exam.gradients)
                name = "oblique" if oblique else "straight"
                print(
                    f"{name:10}{roll:6.0f}{noise:7.1f}{counts[0]:7d}{counts[1]:10d}{counts[2]:7d}"
                    f"{counts[3]:13d} of {len(SEEDS)}"
                )
    print("targets: all tellable found, none blamed though right")


def _counts(scan, gradients) -> np.ndarray:
    """Return how many wrong tables there were, could be told, and were found; and whether the right one was blamed."""
    cord = segment_cord(scan)
    fit = fit_tensor(scan.data, gradients, cord.mask, grid=scan.grid)

    def check(one: TensorFit):
        return check_gradients(gradients, one, scan.grid, cord.mask, cord.centerline)

    right = check(fit)
    found = 0
    for change in CHANGES[1:]:
        direction = fit.direction.copy()
        direction[fit.mask] = changed_directions(direction[fit.mask].astype(float), scan.grid, change)
        told = check(replace(fit, direction=direction))
        named = [(told.axes, told.signs), *told.alike]
        found += bool(told.flags) and any(_undone(change, mended, scan.grid) for mended in named)
    return np.array([23, 23 - len(right.alike), found, bool(right.flags)])


def _undone(change, mended, grid: Grid) -> bool:
    """Tell whether one change takes back another, but for the sign of all directions."""
    both = changed_directions(changed_directions(np.eye(3), grid, change), grid, mended)
    return bool(np.isclose(abs(np.trace(both)), 3, atol=1e-6))


if __name__ == "__main__":
    main()
