"""Draw the figures of docs/motion.md: run ``python docs/make_motion_pictures.py``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.correct import correct_motion
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.make import make_exam
from napari_spinalq.phantom.series import Dropout, Move, SeriesDesign
from napari_spinalq.scan import Scan

IMAGES = Path(__file__).parent / "images"
DESIGN = SeriesDesign(
    snr=20.0,
    drift_mm=1.5,
    jitter_mm=0.3,
    pulsation_mm=0.4,
    moves=(Move(),) * 16 + (Move(3.0, -2.0),),
    dropouts=(Dropout(24, 7),),
)
SLICE = 7


def main() -> None:
    """Write motion_slices.png and motion_shifts.png."""
    exam = make_exam(replace(healthy_design(1), series=DESIGN), contrasts=["dwi"])
    scan, truth = exam.scans["dwi"], exam.truth["dwi"]
    corrected, _, found = correct_motion(scan, exam.gradients, truth.cord)
    _slices(scan, corrected)
    _shifts(found, truth.series.motion)


def _slices(scan: Scan, corrected: Scan) -> None:
    """Draw mean weighted images, and one line through the cord over all volumes, before and after."""
    figure, axes = plt.subplots(2, 3, figsize=(10, 6), width_ratios=(1, 1.5, 1.5))
    for row, (name, series) in enumerate((("as measured", scan), ("corrected", corrected))):
        work = np.asarray(series.in_work_order().data, dtype=float)[SLICE]
        middle = np.asarray(work.shape[:2]) // 2
        axes[row, 0].imshow(work[..., 5:].mean(axis=-1), cmap="gray", origin="lower", vmax=130)
        axes[row, 0].set(title=f"mean weighted, {name}", xlabel="to the patient's right", ylabel="to anterior")
        for column, (line, way) in enumerate(((work[:, middle[1]], "anterior"), (work[middle[0]], "right")), start=1):
            share = line / np.sort(line, axis=0)[-8:].mean(axis=0)  # volumes differ in brightness
            axes[row, column].imshow(share, cmap="gray", origin="lower", aspect="auto", vmax=1.2)
            axes[row, column].set(xlabel="volume", ylabel=f"to {way}, mm", title=f"a line to {way}, {name}")
    figure.tight_layout()
    figure.savefig(IMAGES / "motion_slices.png", dpi=80)


def _shifts(found: Motion, truth: Motion) -> None:
    """Draw found beside true shifts of one slice, and all of them against each other."""
    true = truth.shifts_mm - truth.shifts_mm.mean(axis=0)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.7), width_ratios=(1.4, 1.4, 1))
    for axis, way in enumerate(found.axes):
        band = 2 * found.uncertainty_mm[:, SLICE, axis]
        middle = found.shifts_mm[:, SLICE, axis]
        volumes = np.arange(len(middle))
        axes[axis].fill_between(volumes, middle - band, middle + band, alpha=0.3, label="found, 2 standard errors")
        axes[axis].plot(volumes, middle, lw=1)
        axes[axis].plot(volumes, true[:, SLICE, axis], "k.", ms=4, label="true")
        axes[axis].set(xlabel="volume", ylabel=f"shift to {way}, mm", title=f"slice {SLICE}")
    _scatter(axes[2], true, found.shifts_mm)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="lower left", ncols=2, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(IMAGES / "motion_shifts.png", dpi=80)


def _scatter(axes: plt.Axes, true: NDArray, found: NDArray) -> None:
    axes.plot(true.ravel(), found.ravel(), ".", ms=2)
    ends = [true.min(), true.max()]
    axes.plot(ends, ends, "k-", lw=0.8)
    axes.set(xlabel="true shift, mm", ylabel="found, mm", title="all slices and volumes")


if __name__ == "__main__":
    main()
