"""What prompts mend: faults put into scans with a reference, simulated prompts, Dice and area before and after, time.

Run ``python benchmarks/prompts.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``), the
digital exam is the sample data of the package. ``--time`` prints only the times on 320 x 320 x 200 voxels.

Each fault spoils some slices. Figures are means over those slices in which the outline was wrong, less the slices that
the simulated reader drew, which are right by construction.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.cord.prepared import prepare
from napari_spinalq.cord.prompts import Prompts
from napari_spinalq.cord.segment import CordSegmentation, resegment
from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.scan import Scan

TARGET_SECONDS = 1.0
BIG = (200, 320, 320)
SCRIBBLE_PIXELS = 10
GROWTH_MM = 3.0
WRONG_DICE = 0.95
"""A slice below this Dice is wrong enough for a reader to mend it."""

LABELLED = (
    ("T2w", "t2/t2", "t2/t2_seg-manual"),
    ("T2*", "t2s/t2s", "t2s/t2s_seg"),
    ("MT", "mt/mt1", "mt/mt1_seg"),
    ("T1w template", "mt/label/template/PAM50_t1", "mt/label/template/PAM50_cord"),
)


@dataclass(frozen=True, eq=False)
class Case:
    """A scan in work order, its reference, and the slices that a fault spoils."""

    name: str
    scan: Scan
    truth: NDArray[np.bool_]
    spoilt: NDArray[np.int_]

    @property
    def edge_offset_mm(self) -> float | None:
        """The physical edge for a digital exam, whose truth it is; the reader's for references drawn by readers."""
        return 0.0 if "digital" in self.name else None

    @property
    def grid(self) -> Grid:
        """Grid of scan and reference."""
        return self.scan.grid

    def centre_mm(self, index: int) -> tuple[float, float, float]:
        """Centre of the cord in a slice, RAS mm."""
        y, x = np.argwhere(self.truth[index]).mean(axis=0)
        return tuple(float(value) for value in self.grid.voxel_to_mm((index, y, x)))


def main() -> None:
    """Print one row a fault and prompt, then the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", action="store_true", help="only the times on a large scan")
    arguments = parser.parse_args()
    if not arguments.time:
        print(f"{'fault':34}{'scan':16}{'prompt':24}{'slices':>7}{'Dice':>15}{'area error %':>17}{'s':>7}")
        for name, scan, truth in labelled_scans():
            for fault in FAULTS:
                _rows(fault(name, scan, truth))
    _times()


def labelled_scans() -> Iterator[tuple[str, Scan, NDArray[np.bool_]]]:
    """Yield name, scan and reference, in work order: the real scans, then a digital one."""
    folder = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "sct_testing"
    if not folder.is_dir():
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
    for name, image, reference in LABELLED if folder.is_dir() else ():
        truth = load_scan(folder / f"{reference}.nii.gz").in_work_order().data > 0.5
        yield name, load_scan(folder / f"{image}.nii.gz").in_work_order(), truth
    for contrast in ("T2w", "T2star"):
        sample = sample_folder()
        scan = load_scan(sample / "sub-healthy01" / "anat" / f"sub-healthy01_{contrast}.nii.gz").in_work_order()
        truth = sample / "derivatives" / "truth" / "sub-healthy01" / "anat"
        mask = load_scan(truth / f"sub-healthy01_{contrast}_label-cord_mask.nii.gz").in_work_order().data > 0.5
        yield f"digital {contrast}", scan, mask


def leak(name: str, scan: Scan, truth: NDArray[np.bool_]) -> Case:
    """Let a growth of the cord's own grey level press against a side of it, over a fifth of its slices."""
    slices = _middle_slices(truth, 0.2)
    data = scan.data.astype(np.float32).copy()
    rng = np.random.default_rng(0)
    for index in slices:
        inside = ndimage.binary_erosion(truth[index])
        level, noise = float(np.median(data[index][inside])), 0.3 * float(data[index][inside].std())
        y, x = np.argwhere(truth[index]).mean(axis=0)
        right = float(np.nonzero(truth[index].any(axis=0))[0].max())
        distance = ndimage.distance_transform_edt(~truth[index], sampling=scan.grid.spacing[1:])
        growth = (distance <= GROWTH_MM) & ~truth[index]
        growth &= _disc(scan.grid, (y, right), 0.8 * (right - x) * scan.grid.spacing[2])
        data[index][growth] = level + rng.normal(0, noise, int(growth.sum()))
    return Case(f"leak into a neighbour/{name}", replace(scan, data=data), truth, slices)


def lesion(name: str, scan: Scan, truth: NDArray[np.bool_]) -> Case:
    """Give a side of the cord the grey level of what surrounds it, as a lesion at the rim does."""
    slices = _middle_slices(truth, 0.2)
    data = scan.data.astype(np.float32).copy()
    for index in slices:
        around = ndimage.binary_dilation(truth[index], iterations=3) & ~ndimage.binary_dilation(truth[index])
        level = float(np.median(data[index][around]))
        y, _ = np.argwhere(truth[index]).mean(axis=0)
        right = float(np.nonzero(truth[index].any(axis=0))[0].max())
        spot = _disc(scan.grid, (y, right), 3.0) & truth[index]
        data[index][spot] = level
    return Case(f"lesion at the rim/{name}", replace(scan, data=data), truth, slices)


def dropout(name: str, scan: Scan, truth: NDArray[np.bool_]) -> Case:
    """Take signal from the upper third of the slices and leave its noise."""
    held = np.flatnonzero(truth.any(axis=(1, 2)))
    slices = held[-max(2, len(held) // 3) :]
    data = scan.data.astype(np.float32).copy()
    noise = 0.35 * float(data[truth].std() + np.abs(np.median(data[truth])))
    data[slices[0] :] *= 0.35
    data[slices[0] :] += np.random.default_rng(1).normal(0, noise, data[slices[0] :].shape).astype(np.float32)
    return Case(f"signal drop, slices missed/{name}", replace(scan, data=data), truth, slices)


def decoy(name: str, scan: Scan, truth: NDArray[np.bool_]) -> Case:
    """Flatten the contrast of the cord, and put a sharp copy of it where there was none."""
    held = np.flatnonzero(truth.any(axis=(1, 2)))
    data = scan.data.astype(np.float32).copy()
    away = round(18.0 / scan.grid.spacing[2])
    reach = [round(9.0 / step) for step in scan.grid.spacing[1:]]
    for index in held:
        y, x = (round(value) for value in np.argwhere(truth[index]).mean(axis=0))
        to = x + away if x + away + reach[1] < data.shape[2] else x - away
        rows = slice(max(0, y - reach[0]), y + reach[0])
        here, there = slice(x - reach[1], x + reach[1]), slice(to - reach[1], to + reach[1])
        patch = data[index, rows, here].copy()
        if patch.shape == data[index, rows, there].shape:
            data[index, rows, there] = patch
            data[index, rows, here] = patch.mean() + 0.1 * (patch - patch.mean())
    return Case(f"another organ taken/{name}", replace(scan, data=data), truth, held)


def noisy(name: str, scan: Scan, truth: NDArray[np.bool_]) -> Case:
    """Add noise of 15 % of the range of values to all slices."""
    low, high = np.percentile(scan.data, [1, 99])
    data = scan.data + np.random.default_rng(2).normal(0, 0.15 * (high - low), scan.data.shape).astype(np.float32)
    return Case(f"noise of 15 %/{name}", replace(scan, data=data), truth, np.flatnonzero(truth.any(axis=(1, 2))))


FAULTS: tuple[Callable[[str, Scan, NDArray[np.bool_]], Case], ...] = (leak, lesion, dropout, decoy, noisy)


def prompts_for(case: Case, before: NDArray[np.bool_]) -> Iterator[tuple[str, Prompts]]:
    """Yield what a reader would say about a wrong outline, from the reference: (name, prompts)."""
    held = np.flatnonzero(case.truth.any(axis=(1, 2)))
    scores = np.array([_dice(before[index], case.truth[index]) for index in case.spoilt])
    worst = int(case.spoilt[np.argmin(scores)])
    yield "one click", Prompts(points=(case.centre_mm(worst),))
    three = case.spoilt[np.linspace(0, len(case.spoilt) - 1, min(3, len(case.spoilt))).astype(int)]
    yield "three points", Prompts(points=tuple(case.centre_mm(int(index)) for index in three))
    scribble = _scribble(case, before, worst)
    if scribble is not None:
        yield f"scribble {scribble[0]}", Prompts(**{scribble[0]: scribble[1]})
    for name, chosen in (("worst slice drawn", np.array([worst])), ("every 5th slice drawn", held[::5])):
        fixed = np.zeros(len(case.truth), bool)
        fixed[chosen] = True
        yield name, Prompts(fixed=case.truth.astype(np.uint8), fixed_slices=fixed)


def _scribble(case: Case, before: NDArray[np.bool_], worst: int) -> tuple[str, NDArray[np.bool_]] | None:
    """Return about ten pixels deep in what is wrong in the worst slice, and whether they are in or out."""
    extra, missing = before[worst] & ~case.truth[worst], case.truth[worst] & ~before[worst]
    name, wrong = ("outside", extra) if extra.sum() >= missing.sum() else ("inside", missing)
    if not wrong.any():
        return None
    depth = ndimage.distance_transform_edt(np.pad(wrong, 1))[1:-1, 1:-1]
    # A short stroke through the deepest point: the deepest pixels that hang together.
    rows, columns = np.nonzero(wrong)
    deepest = np.unravel_index(int(np.argmax(depth)), depth.shape)
    order = np.argsort(np.hypot(rows - deepest[0], columns - deepest[1]))[:SCRIBBLE_PIXELS]
    scribble = np.zeros(case.truth.shape, bool)
    scribble[worst, rows[order], columns[order]] = True
    return name, scribble


def _rows(case: Case) -> None:
    prepared = prepare(case.scan)
    try:
        first: CordSegmentation | None = resegment(
            case.scan, Prompts(), prepared=prepared, edge_offset_mm=case.edge_offset_mm
        )
    except CordNotFoundError:
        first = None
    before = np.zeros(case.truth.shape, bool) if first is None else first.mask > 0
    fault, scan = case.name.split("/")
    wrong = [int(i) for i in case.spoilt if _dice(before[i], case.truth[i]) < WRONG_DICE]
    if not wrong:
        print(f"{fault:34}{scan:16}  nothing to mend: the outline withstood it")
        return
    case = replace(case, spoilt=np.array(wrong))
    for name, prompts in prompts_for(case, before):
        start = time.perf_counter()
        try:
            after = resegment(case.scan, prompts, prepared=prepared, edge_offset_mm=case.edge_offset_mm).mask > 0
        except CordNotFoundError:
            print(f"{fault:34}{scan:16}{name:24}  no cord found")
            continue
        seconds = time.perf_counter() - start
        kept = [] if prompts.fixed_slices is None else np.flatnonzero(prompts.fixed_slices)
        slices = np.setdiff1d(case.spoilt, kept)
        if len(slices):
            dice = [np.mean([_dice(mask[i], case.truth[i]) for i in slices]) for mask in (before, after)]
            area = [100 * np.mean([_area_error(mask[i], case.truth[i]) for i in slices]) for mask in (before, after)]
            print(
                f"{fault:34}{scan:16}{name:24}{len(slices):7d}{dice[0]:8.3f} ->{dice[1]:5.3f}"
                f"{area[0]:9.1f} ->{area[1]:5.1f}{seconds:7.2f}"
            )


def _times() -> None:
    """Print how long each prompt takes on a large scan, from the prompt to the mask."""
    name, scan, truth = list(labelled_scans())[-2]
    pad = [
        (max(0, want - have) // 2, max(0, want - have) - max(0, want - have) // 2)
        for want, have in zip(BIG, scan.data.shape, strict=True)
    ]
    data = np.pad(scan.data, pad, mode="reflect")[: BIG[0], : BIG[1], : BIG[2]].astype(np.float32)
    mask = np.pad(truth, pad)[: BIG[0], : BIG[1], : BIG[2]]
    large = Scan(data, scan.grid.cropped(tuple(-before for before, _ in pad), BIG))
    case = Case(f"/{name}", large, mask, np.flatnonzero(mask.any(axis=(1, 2))))
    start = time.perf_counter()
    prepared = prepare(large)
    print(f"\n{' x '.join(map(str, BIG))} voxels: preparing, once a scan: {time.perf_counter() - start:.2f} s")
    before = resegment(large, Prompts(), prepared=prepared)
    for name, prompts in prompts_for(case, before.mask > 0):
        seconds, cpu = [], []
        for _ in range(5):
            start, begun = time.perf_counter(), time.process_time()
            resegment(large, prompts, prepared=prepared)
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - begun)
        print(
            f"{name:24}{np.median(seconds):7.2f} s   target < {TARGET_SECONDS:g} s   (processor {np.median(cpu):.2f} s)"
        )


def _middle_slices(truth: NDArray[np.bool_], share: float) -> NDArray[np.int_]:
    held = np.flatnonzero(truth.any(axis=(1, 2)))
    count = max(2, round(share * len(held)))
    return held[(len(held) - count) // 2 :][:count]


def _disc(grid: Grid, centre: tuple[float, float], radius_mm: float) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[: grid.shape[1], : grid.shape[2]]
    dy, dx = grid.spacing[1:]
    return np.hypot((rows - centre[0]) * dy, (columns - centre[1]) * dx) <= radius_mm


def _dice(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    total = np.count_nonzero(found) + np.count_nonzero(wanted)
    return 2 * np.count_nonzero(found & wanted) / total if total else 1.0


def _area_error(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    return abs(np.count_nonzero(found) / np.count_nonzero(wanted) - 1)


if __name__ == "__main__":
    main()
