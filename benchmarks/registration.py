"""Registration of an anatomical scan to others of the exam: accuracy, round trip, time and memory beside targets.

Run ``python benchmarks/registration.py``: digital exams with known motion and distortion, then real scans from
``SPINALQ_SHARED`` (default ``../shared``). ``--syn`` adds the symmetric diffeomorphic registration of dipy on the same
masks, ``--segmented`` masks drawn automatically instead of the true ones, ``--alone`` leaves out real scans.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import reorient_array, to_work_order
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.levels.levelmap import levels_per_slice
from napari_spinalq.phantom import healthy_design
from napari_spinalq.phantom.distortion import DistortedScan, Distortion, distorted_scan, slice_frame
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.registration.affine import aligned, shifted
from napari_spinalq.registration.carry import carry
from napari_spinalq.registration.field import SliceFrame
from napari_spinalq.registration.moments import sections_of
from napari_spinalq.registration.outline import no_change
from napari_spinalq.registration.points import carried_onto
from napari_spinalq.registration.quality import slice_quality
from napari_spinalq.registration.register import register_scans
from napari_spinalq.registration.registration import Registration
from napari_spinalq.registration.seed import carry_mask
from napari_spinalq.registration.warp import Warp
from napari_spinalq.scan import Scan

DICE, REAL_DICE, PLACE_MM, ROUND_TRIP_MM, AREA_PERCENT, SECONDS, MEGABYTES = 0.95, 0.90, 0.5, 0.2, 2.0, 5.0, 1000.0
"""Targets: Dice of the carried cord on the phantom and on real scans, median error of places in the cord, largest round
trip error in the cord, mean error of area, time, peak memory."""

MEAN_NOISE_SD = 11.0 / 30**0.5
"""Noise of the mean of the thirty weighted volumes of the phantom's protocol, signal units."""

DESIGN = healthy_design(1)
BY_NAME = {protocol.name: protocol for protocol in PROTOCOLS}
SOURCES = {"t2w": (Contrast.T2W, 5.0), "t2star": (Contrast.T2STAR, 9.0)}
CASES: dict[str, dict] = {
    "nothing": {},
    "shift": {"shift_mm": (1.5, -2.0)},
    "distortion": {"scale": 0.08, "shear": 0.05, "bend_mm": 3.0},
    "turn": {"turn_deg": 4.0},
    "all": {"shift_mm": (1.0, -1.5), "turn_deg": 3.0, "scale": 0.06, "shear": -0.05, "bend_mm": 3.0},
}
"""What lies between the scans: motion within the slice, and the bend of an echo-planar image."""

REAL = (("t2s/t2s", "t2s/t2s_seg"), ("mt/mt1", "mt/mt1_seg"), ("dmri/dwi_mean", None))
"""Scans onto which the sagittal T2w scan is registered, and their masks; one without is segmented here."""


@dataclass(frozen=True, eq=False)
class Case:
    """A source and a target with the masks that are registered, and what lies between them."""

    name: str
    source: DistortedScan
    target: DistortedScan
    masks: tuple[NDArray, NDArray]
    between: Distortion


def main() -> None:
    """Print one row a pair of scans."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--syn", action="store_true", help="compare with dipy's SyN on the same masks")
    parser.add_argument("--segmented", action="store_true", help="also register masks that were drawn automatically")
    parser.add_argument("--alone", action="store_true", help="leave out real scans")
    arguments = parser.parse_args()
    print(
        f"{'phantom to dwi':34}{'Dice before':>12}{'after':>7}{f'>={DICE}':>7}{'TRE mm':>8}{f'<={PLACE_MM}':>7}"
        f"{'p95':>6}{'trip mm':>9}{f'<={ROUND_TRIP_MM}':>7}{'GM Dice':>9}{'levels':>8}{'=0':>4}{'area %':>8}"
        f"{f'<={AREA_PERCENT:.0f}':>5}{'s':>7}{f'<={SECONDS:.0f}':>5}"
    )
    sources, targets = _scans()
    kinds = ("soft", "binary", "segmented") if arguments.segmented else ("soft", "binary")
    for name, source in sources.items():
        for kind in kinds:
            for what, (target, between) in targets.items():
                _row(Case(f"{name}, {kind} masks, {what}", source, target, _masks(source, target, kind), between))
    print("\nlevels: slices with a wrong level. area: mean over slices of the difference of the true cords.")
    target, between = targets["all"]
    print("with grey matter of both scans, which decides on the turn:")
    for what, (target, between) in targets.items():
        masks = _masks(sources["t2star"], target, "soft")
        _row(Case(f"t2star, soft masks, {what}", sources["t2star"], target, masks, between), with_grey=True)
    _memory(Case("", sources["t2w"], target, _masks(sources["t2w"], target, "soft"), between))
    _seeds(sources, targets)
    if arguments.syn:
        _syn_rows(sources["t2w"], targets)
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "sct_testing"
    if not arguments.alone and folder.is_dir():
        _real(folder)


def _scans() -> tuple[dict[str, DistortedScan], dict[str, tuple[DistortedScan, Distortion]]]:
    anatomy = DESIGN.anatomy()
    grid = scan_grid(BY_NAME["dwi"], anatomy)
    still = Distortion(slice_frame(grid), anatomy.position(BY_NAME["dwi"].middle_mm))
    sources = {
        name: distorted_scan(DESIGN, scan_grid(BY_NAME[name], anatomy), contrast, still, noise_sd=noise)
        for name, (contrast, noise) in SOURCES.items()
    }
    targets = {}
    for name, what in CASES.items():
        between = replace(still, **what)
        targets[name] = (distorted_scan(DESIGN, grid, Contrast.DWI, between, noise_sd=MEAN_NOISE_SD, seed=1), between)
    return sources, targets


def _masks(source: DistortedScan, target: DistortedScan, kind: str) -> tuple[NDArray, NDArray]:
    if kind == "segmented":
        return segment_cord(source.scan).mask, segment_cord(target.scan).mask
    if kind == "binary":
        return tuple((one.cord >= 0.5).astype(np.uint8) for one in (source, target))  # type: ignore[return-value]
    return source.cord, target.cord


def _row(case: Case, with_grey: bool = False) -> None:
    source, target = case.source, case.target
    grey = {"source_grey": source.grey_matter, "target_grey": target.grey_matter} if with_grey else {}
    start = time.perf_counter()
    found = register_scans(source.scan, case.masks[0], target.scan, case.masks[1], **grey)
    seconds = time.perf_counter() - start
    places = _place_errors(found, case)
    wrong = _wrong_levels(found, case)
    ours, theirs = (_areas(mask, found) for mask in (carry(found, case.source.cord), case.target.cord))
    area = 100 * np.abs(ours / theirs - 1)[1:-1].mean()
    print(
        f"{case.name:34}{found.dice_before:12.3f}{found.dice_after:7.3f}{'':7}{np.median(places):8.2f}{'':7}"
        f"{np.percentile(places, 95):6.2f}{_round_trip(found, case).max():9.3f}{'':7}"
        f"{_dice(carry(found, case.source.grey_matter), case.target.grey_matter):9.3f}{wrong:8d}{'':4}{area:8.1f}{'':5}"
        f"{seconds:7.2f}{'':5}  {'; '.join(found.flags)}"
    )


def _place_errors(found: Registration, case: Case) -> NDArray[np.float64]:
    inside = case.target.cord >= 0.5
    truth = case.between.body_at(found.target.voxel_to_mm(np.argwhere(inside)))
    return np.linalg.norm(found.source_points_mm[inside] - truth, axis=1)


def _round_trip(found: Registration, case: Case) -> NDArray[np.float64]:
    """Return how far the source's cord voxels end from where they began, mm, where the target covers them."""
    inside = case.source.cord >= 0.5
    there = found.target.mm_to_voxel(found.target_points_mm[inside])
    within = ((there >= 0) & (there <= np.array(found.target.shape) - 1)).all(axis=1)
    back = np.stack(
        [ndimage.map_coordinates(found.source_points_mm[..., k], there[within].T, order=1) for k in range(3)], axis=1
    )
    return np.linalg.norm(back - found.source.voxel_to_mm(np.argwhere(inside))[within], axis=1)


def _wrong_levels(found: Registration, case: Case) -> int:
    carried, truth = (
        levels_per_slice(to_work_order(levels, found.target)[0])
        for levels in (carry(found, case.source.levels, order=0), case.target.levels)
    )
    return int((carried != truth).sum())


def _areas(mask: NDArray, found: Registration) -> NDArray[np.float64]:
    return to_work_order(np.nan_to_num(mask), found.target)[0].sum(axis=(1, 2))


def _dice(first: NDArray, second: NDArray) -> float:
    one, other = (np.nan_to_num(mask) >= 0.5 for mask in (first, second))
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def _memory(case: Case) -> None:
    tracemalloc.start()
    register_scans(case.source.scan, case.masks[0], case.target.scan, case.masks[1])
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"peak memory of t2w to dwi: {peak:.0f} MB (target {MEGABYTES:.0f})")


def _seeds(sources: dict[str, DistortedScan], targets: dict[str, tuple[DistortedScan, Distortion]]) -> None:
    print(f"\n{'first mask by the images alone':34}{'Dice':>12}{'s':>7}")
    for name, source in sources.items():
        for what, (target, _) in targets.items():
            start = time.perf_counter()
            mask = carry_mask(source.scan, source.cord, target.scan)
            print(f"{name + ', ' + what:34}{_dice(mask, target.cord):12.3f}{time.perf_counter() - start:7.2f}")


def _syn_rows(source: DistortedScan, targets: dict[str, tuple[DistortedScan, Distortion]]) -> None:
    """Print what SyN makes of what is left after centres, or after centres and stretches; slice by slice."""
    print(f"\n{'SyN instead of the outline warp':34}{'Dice':>12}{'TRE mm':>8}{'p95':>6}{'least J':>9}{'s':>7}")
    for stage in ("centre", "affine"):
        for metric in ("SSD", "CC"):
            for what in ("distortion", "all"):
                target, between = targets[what]
                case = Case(f"{stage}, {metric}, {what}", source, target, _masks(source, target, "soft"), between)
                start = time.perf_counter()
                found = _syn(case, stage, metric)
                seconds = time.perf_counter() - start
                places = _place_errors(found, case)
                least = slice_quality(found, *case.masks).min_jacobian.min()
                print(
                    f"{case.name:34}{_dice(carry(found, source.cord), target.cord):12.3f}{np.median(places):8.2f}"
                    f"{np.percentile(places, 95):6.2f}{least:9.2f}{seconds:7.2f}"
                )


def _syn(case: Case, stage: str, metric: str) -> Registration:
    from dipy.align.imwarp import SymmetricDiffeomorphicRegistration
    from dipy.align.metrics import CCMetric, SSDMetric

    grid = case.target.scan.grid
    fixed, work = to_work_order(np.asarray(case.masks[1], dtype=float), grid)
    frame, source = SliceFrame(work), case.source.scan.grid
    start = aligned(
        sections_of(carried_onto(frame, None, source, case.masks[0]), frame),
        sections_of(fixed, frame),
        frame.heights_mm,
    )
    if stage == "centre":
        start = shifted(start.centre_mm, start.shift_mm)
    field = Warp(start, no_change(frame.slices)).field(frame)
    moving = np.nan_to_num(carried_onto(frame, field, source, case.masks[0])).astype(float)
    places = frame.centres()
    for index in np.flatnonzero(fixed.any(axis=(1, 2)) & moving.any(axis=(1, 2))):
        measure = SSDMetric(2) if metric == "SSD" else CCMetric(2)
        solver = SymmetricDiffeomorphicRegistration(measure, level_iters=[30, 30, 15])
        solver.verbosity = 0
        forward = solver.optimize(fixed[index], moving[index]).get_forward_field()
        places[index][..., 1:] += np.asarray(forward) * work.spacing[1:]
    points = frame.points_mm(field.moved(places)).astype(np.float32)
    there = reorient_array(points, work, grid.axis_codes)[0]
    return Registration(source, grid, there, np.empty((0, 0, 0, 3), np.float32), np.nan, np.nan)


def _real(folder: Path) -> None:
    print(
        f"\n{'real scans':34}{'Dice before':>12}{'after':>7}{f'>={REAL_DICE}':>7}{'explained before':>18}{'after':>7}"
        f"{'s':>7}"
    )
    anatomical = load_scan(folder / "t2" / "t2.nii.gz")
    cord = np.asarray(load_scan(folder / "t2" / "t2_seg-manual.nii.gz").data)
    for name, mask_name in REAL:
        scan = load_scan(folder / f"{name}.nii.gz")
        mask = segment_cord(scan).mask if mask_name is None else _data(folder, mask_name)
        _real_row(f"t2 to {name}", anatomical, cord, scan, mask)
        _real_row(f"{name} to t2", scan, mask, anatomical, cord)


def _data(folder: Path, name: str) -> NDArray:
    return np.asarray(load_scan(folder / f"{name}.nii.gz").data)


def _real_row(name: str, source: Scan, source_mask: NDArray, target: Scan, target_mask: NDArray) -> None:
    start = time.perf_counter()
    found = register_scans(source, source_mask, target, target_mask)
    print(
        f"{name:34}{found.dice_before:12.3f}{found.dice_after:7.3f}{'':7}{found.similarity_before:18.2f}"
        f"{found.similarity_after:7.2f}{time.perf_counter() - start:7.2f}  {'; '.join(found.flags)}"
    )


if __name__ == "__main__":
    main()
