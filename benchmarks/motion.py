"""Motion correction on a digital diffusion series and on real scans: residual motion, FA, time and memory.

Run ``python benchmarks/motion.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``). The
digital series has the size of a usual one with a reduced field of view: 96 x 36 x 15 voxels, 5 + 30 volumes.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.diffusion import realign
from napari_spinalq.diffusion.correct import correct_motion
from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.tensor import fit_tensor
from napari_spinalq.gradients import GradientTable, ras_directions
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.mt.align import align_pair
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.make import PhantomExam, make_exam
from napari_spinalq.phantom.protocol import Protocol
from napari_spinalq.phantom.series import Dropout, Move, SeriesDesign
from napari_spinalq.phantom.tissue import SIGNALS, Tissue
from napari_spinalq.registration.slicewise.along import Smoothed
from napari_spinalq.registration.slicewise.frame import slice_frame
from napari_spinalq.registration.slicewise.stack import move_back
from napari_spinalq.registration.slicewise.warp import spline_coefficients
from napari_spinalq.scan import Scan

ROOT = Path(__file__).parents[1]
SERIES = Protocol("dwi", "dwi", Contrast.DWI, "LAS", (1.0, 1.0, 5.0), (96, 36, 15), 4.0, 0.0)
LOST = (Dropout(12, 5), Dropout(20, 8), Dropout(27, 3))
JUMPS = (Move(),) * 15 + (Move(2.0, -1.5),) + (Move(),) * 9 + (Move(-3.0, 0.5),)
MOVING = SeriesDesign(drift_mm=1.0, jitter_mm=0.3, pulsation_mm=0.4, moves=JUMPS, dropouts=LOST)
TURNING = replace(MOVING, turn_deg=3.0)
SLOW = SeriesDesign(drift_mm=1.5)
TARGET_MM, STILL_TARGET_MM, TARGET_SECONDS, TARGET_FA = 0.15, 0.05, 12.0, 0.01
PURE = 0.95
"""Share of white matter from which on a voxel counts as pure."""


def main() -> None:
    """Print every figure beside its target."""
    still, moving, turning, slow = (_clean(design) for design in (SeriesDesign(), MOVING, TURNING, SLOW))
    _residuals(still, moving)
    _choices("residual, mm rms, moving", moving)
    _choices("residual, mm rms, slow drift only", slow)
    _turns(turning)
    _anisotropy(still, moving)
    _time(moving)
    _real()


def rms(values: NDArray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def _clean(design: SeriesDesign) -> PhantomExam:
    person = replace(healthy_design(1), noise=0.0, series=design)
    return make_exam(person, contrasts=["dwi"], protocols=[SERIES])


def _noisy(exam: PhantomExam, snr: float, seed: int = 1) -> Scan:
    scan = exam.scans["dwi"]
    sd = SIGNALS[Tissue.WHITE_MATTER].b0 / snr
    noisy = add_rician_noise(np.asarray(scan.data, dtype=float), sd, np.random.default_rng(seed))
    return replace(scan, data=noisy.astype(np.float32))


def _truth(exam: PhantomExam) -> Motion:
    return exam.truth["dwi"].series.motion


def _errors(found: Motion, exam: PhantomExam) -> tuple[NDArray, NDArray, NDArray]:
    """Return true shifts against their mean, errors, and which slices kept their signal."""
    truth = _truth(exam).shifts_mm - _truth(exam).shifts_mm.mean(axis=0)
    return truth, found.shifts_mm - truth, exam.truth["dwi"].series.kept > 0.99


def _residuals(still: PhantomExam, moving: PhantomExam) -> None:
    print(
        f"{'shifts, mm rms':28}{'SNR':>5}{'before':>9}{'after':>9}{'target':>8}{'lost slices':>13}{'told':>8}  outliers"
    )
    for name, exam, target in (("moving", moving, TARGET_MM), ("still", still, STILL_TARGET_MM)):
        for snr in (20, 10):
            found = correct_motion(_noisy(exam, snr), exam.gradients, exam.truth["dwi"].cord)[2]
            truth, errors, kept = _errors(found, exam)
            lost = f"{rms(errors[~kept]):13.3f}" if (~kept).any() else " " * 13
            print(
                f"{name:28}{snr:5}{rms(truth):9.3f}{rms(errors[kept]):9.3f}{target if snr == 20 else '':>8}{lost}"
                f"{rms(found.uncertainty_mm):8.3f}  {np.flatnonzero(found.outliers).tolist()}"
            )
    print(f"lost slices lie in volumes {[one.volume for one in LOST]}, jumps are to and from 15 and 25\n")


def _choices(title: str, exam: PhantomExam) -> None:
    """Compare groups of volumes, and slices that go each their own way."""
    scans = {snr: _noisy(exam, snr) for snr in (20, 10, 6, 4)}
    print(f"{title:36}" + "".join(f"{f'SNR {snr}':>9}" for snr in scans))
    for name, size, alone in (
        ("each volume (default)", 1, False),
        ("groups of 3", 3, False),
        ("groups of 5", 5, False),
        ("each volume, slices on their own", 1, True),
    ):
        row = ""
        with mock.patch.object(realign, "smooth_along", _unsmoothed if alone else realign.smooth_along):
            for scan in scans.values():
                found = correct_motion(scan, exam.gradients, exam.truth["dwi"].cord, group_size=size)[2]
                _, errors, kept = _errors(found, exam)
                row += f"{rms(errors[kept]):9.3f}"
        print(f"{name:36}{row}")
    print()


def _unsmoothed(measured: NDArray, information: NDArray, *_: object, **__: object) -> Smoothed:
    return Smoothed(measured, np.zeros((*measured.shape[:2], 2)), ())


def _turns(turning: PhantomExam) -> None:
    scan, cord, truth = _noisy(turning, 20), turning.truth["dwi"].cord, _truth(turning)
    angles = truth.angles_deg - truth.angles_deg.mean(axis=0)
    seen = turning.truth["dwi"].series.gradients.directions
    print(f"{'turns, SNR 20':28}{'deg rms':>9}{'residual':>10}{'shifts, mm':>12}{'directions off by, deg':>24}")
    for rotation in (False, True):
        _, table, found = correct_motion(scan, turning.gradients, cord, rotation=rotation)
        _, errors, kept = _errors(found, turning)
        cosine = np.clip((seen * table.directions).sum(axis=1), -1, 1)[~table.unweighted]
        print(
            f"{'sought' if rotation else 'not sought':28}{rms(angles):9.2f}{rms(found.angles_deg - angles):10.2f}"
            f"{rms(errors[kept]):12.3f}{rms(np.degrees(np.arccos(cosine))):24.2f}"
        )
    print()


def _anisotropy(still: PhantomExam, moving: PhantomExam) -> None:
    """Compare FA of pure white matter with that of the same person without motion.

    The corrected series shows the cord at its mean place, so white matter is taken from there.
    """
    truth, scan = moving.truth["dwi"], _noisy(moving, 20)
    there, tracts = _at_mean_place(truth.cord, moving), np.sum(list(truth.tracts.values()), axis=0)
    white = [tracts >= PURE, _at_mean_place(tracts, moving) >= PURE]
    print(f"{'FA of pure white matter':28}{'mean':>8}{'bias':>8}{'target':>8}{'sd':>8}{'voxels':>8}")
    wanted = None
    for name, moved, data, table in (
        ("without motion", False, _noisy(still, 20), still.gradients),
        ("moving, not corrected", True, scan, moving.gradients),
        ("moving, corrected", True, *correct_motion(scan, moving.gradients, truth.cord)[:2]),
        ("and outliers left out", True, *correct_motion(scan, moving.gradients, truth.cord, exclude_outliers=True)[:2]),
    ):
        mask = (there if moved else truth.cord) > 0.5
        fa = fit_tensor(np.asarray(data.data), table, mask, grid=data.grid).fa[white[moved] & mask]
        wanted = float(np.mean(fa)) if wanted is None else wanted
        target = "" if name in ("without motion", "moving, not corrected") else f"{TARGET_FA:.2f}"
        print(f"{name:28}{np.mean(fa):8.3f}{np.mean(fa) - wanted:+8.3f}{target:>8}{np.std(fa):8.3f}{len(fa):8}")
    print()


def _at_mean_place(share: NDArray, exam: PhantomExam) -> NDArray:
    """Return a true share where the corrected series shows it: shifted by the mean motion of each slice."""
    grid = exam.scans["dwi"].grid
    frame = slice_frame(grid)
    moves = np.zeros((1, frame.grid.shape[0], 3))
    moves[0, :, :2] = -_truth(exam).shifts_mm.mean(axis=0)
    stack = spline_coefficients(frame.stacked(share, grid)[:, None])
    moved = move_back(stack, moves, frame.pixel_mm, np.zeros((len(stack), 2)))[0][:, 0]
    return frame.unstacked(moved, grid)


def _time(moving: PhantomExam) -> None:
    scan, cord = _noisy(moving, 20), moving.truth["dwi"].cord
    for threads in (1, 2, 4):
        wall, own = time.perf_counter(), time.process_time()
        correct_motion(scan, moving.gradients, cord, threads=threads)
        print(
            f"{' x '.join(map(str, scan.data.shape))}, {threads} threads: {time.perf_counter() - wall:6.1f} s "
            f"(target {TARGET_SECONDS:.0f} s), {time.process_time() - own:5.1f} s of processor"
        )
    print(f"largest memory of this program: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB\n")


def _real() -> None:
    folder = Path(os.environ.get("SPINALQ_SHARED", ROOT.parent / "shared")) / "data" / "sct_testing"
    if not folder.is_dir():
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
        return
    scan = load_scan(folder / "dmri" / "dmri.nii.gz")
    vectors = np.loadtxt(folder / "dmri" / "bvecs.txt")
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    table = GradientTable(np.loadtxt(folder / "dmri" / "bvals.txt"), ras_directions(vectors, scan.grid))
    result, _, found = correct_motion(scan, table)
    again = correct_motion(result, table)[2]
    print(
        f"real diffusion series: shifts {rms(found.shifts_mm):.2f} mm rms, "
        f"largest {np.abs(found.shifts_mm).max():.2f}; of the corrected series {rms(again.shifts_mm):.2f} mm rms"
    )
    off, on, mask = (load_scan(folder / "mt" / f"{name}.nii.gz") for name in ("mt0", "mt1", "mt1_seg"))
    there, back = (align_pair(*two, np.asarray(mask.data))[1].shifts_mm for two in ((on, off), (off, on)))
    print(f"real MT pair: shifts {rms(there):.2f} mm rms; there and back differ by {rms(there + back):.3f} mm rms")


if __name__ == "__main__":
    main()
