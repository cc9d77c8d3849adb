"""Find and name discs on real, simulated and digital scans. Prints each figure beside its target.

Run: python benchmarks/levels.py   (SPINALQ_SHARED names the folder of real scans, default ../shared)

The simulated scans are pieces of the template T2w image, stretched unevenly along the spine, with noise, bias field,
gamma, or reversed contrast; they share the template's anatomy, so they test robustness, not the spread between people.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.detect import label_discs
from napari_spinalq.levels.discs import Disc, Labelling, Origin, disc_arcs_mm
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.scan import Scan

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
TOLERANCE_MM = 3.0
JITTER_MM = 4.0
SIMULATIONS = 40
UNSEEN_SEED = 4242
"""Seed of the simulated pieces: only the margin for confirmed names was chosen on them."""
SIZE_SPREAD, HEIGHT_SPREAD = 0.10, 0.06
"""Spread of body size between simulated people and of stretches of one to two levels within one, as a part."""

NOISE = 0.02
"""Standard deviation of the noise against the brightest fluid: a third of the difference between bone and disc."""


@dataclass(frozen=True)
class Case:
    """A scan in work order with known discs."""

    scan: Scan
    centerline: Centerline
    truth: tuple[Disc, ...]


@dataclass(frozen=True)
class Outcome:
    """How far (mm) each true disc lies from the found one of its name, along the cord and in space; inf if missing."""

    along_mm: np.ndarray
    space_mm: np.ndarray
    any_name_mm: np.ndarray
    confirmed: bool


def cord_centerline(mask: Scan) -> Centerline:
    """Return a centerline through the centres of a mask's slices."""
    work = mask.in_work_order()
    slices = np.flatnonzero(work.data.any(axis=(1, 2)))
    centres = [np.r_[z, np.argwhere(work.data[z] > 0).mean(axis=0)] for z in slices]
    return fit_centerline(work.grid.voxel_to_mm(centres))


def template() -> Case:
    """Return the whole-spine T2w template with its discs C2-C3 to L1-L2."""
    folder = SHARED / "data" / "sct_testing" / "template"
    labels = load_scan(folder / "PAM50_small_label_discPosterior.nii.gz")
    truth = tuple(d for d in discs_from_label_volume(labels.data, labels.grid) if d.number >= 3)
    centerline = cord_centerline(load_mask(folder / "PAM50_small_cord.nii.gz"))
    return Case(load_scan(folder / "PAM50_small_t2.nii.gz").in_work_order(), centerline, truth)


def outcome(case: Case, labelling: Labelling) -> Outcome:
    """Compare a labelling with the truth, disc by disc."""
    found = {disc.number: disc for disc in labelling.discs}
    arcs = disc_arcs_mm(case.truth, case.centerline)
    all_arcs = disc_arcs_mm(labelling.discs, case.centerline) if labelling.discs else np.array([np.inf])
    along, space = [], []
    for disc, arc in zip(case.truth, arcs, strict=True):
        match = found.get(disc.number)
        along.append(abs(disc_arcs_mm([match], case.centerline)[0] - arc) if match else np.inf)
        space.append(np.linalg.norm(np.subtract(match.position_mm, disc.position_mm)) if match else np.inf)
    any_name = np.abs(all_arcs[None, :] - arcs[:, None]).min(axis=1)
    return Outcome(np.array(along), np.array(space), any_name, labelling.confirmed)


def jittered(disc: Disc, rng: np.random.Generator) -> Disc:
    """Return the disc as a hurried click: up to 4 mm off in every direction."""
    return replace(disc, position_mm=tuple(np.add(disc.position_mm, rng.uniform(-JITTER_MM, JITTER_MM, 3))))


def say(what: str, figure: str, target: str = "-") -> None:
    """Print a figure beside its target."""
    print(f"{what:<66} {figure:>24}   target {target}")


def each_click(case: Case, name: str, move: Callable[[Disc], Disc] = lambda disc: disc) -> None:
    """Print what one click gives, for each disc clicked in turn. The clicked disc is not counted if it was moved."""
    worst, errors, spaces = len(case.truth), [], []
    for disc in case.truth:
        click = move(disc)
        result = outcome(case, label_discs(case.scan, case.centerline, clicks=[click]))
        others = np.array([d.number != disc.number for d in case.truth])
        worst = min(worst, int((result.along_mm[others] <= TOLERANCE_MM).sum()) + 1)
        errors.append(result.along_mm[others])
        spaces.append(result.space_mm[others])
    n = len(case.truth)
    say(f"{name}: discs within 3 mm, worst of {n} single clicks", f"{worst} of {n}", f"{n} of {n}")
    seen = np.concatenate(errors)
    say(
        f"{name}: error along the cord (in space), discs not clicked",
        f"{seen[np.isfinite(seen)].mean():.2f} mm ({np.mean(np.concatenate(spaces)[np.isfinite(seen)]):.2f} mm)",
        "1.1 mm",
    )


def simulated(case: Case, rng: np.random.Generator, *, head: bool) -> Case:
    """Return a piece of a case, stretched unevenly along the spine, with noise and other faults."""
    grid, data = case.scan.grid, np.asarray(case.scan.data, dtype=np.float32)
    z_mm = grid.voxel_to_mm(np.c_[np.arange(grid.shape[0]), np.zeros((grid.shape[0], 2))])[:, 2]
    stretch = np.exp(rng.normal(0, SIZE_SPREAD) + HEIGHT_SPREAD * _smooth_noise(rng, len(z_mm), 14))
    stretched_mm = np.r_[0, np.cumsum(stretch[:-1] * np.diff(z_mm))]
    length_mm = rng.uniform(120, 300)
    top_mm = stretched_mm[-1] if head else rng.uniform(length_mm, np.interp(200.0, z_mm, stretched_mm))
    wanted_mm = np.arange(top_mm - length_mm, top_mm, grid.spacing[0])
    source = np.interp(wanted_mm, stretched_mm, np.arange(len(z_mm)))
    moved = ndimage.map_coordinates(data, np.meshgrid(source, *map(np.arange, data.shape[1:]), indexing="ij"), order=1)
    affine = grid.affine.copy()
    affine[2, 3] = wanted_mm[0]
    new_grid = Grid(moved.shape, affine)

    def carry(points_mm: np.ndarray) -> np.ndarray:
        points = np.array(points_mm)
        points[:, 2] = np.interp(points[:, 2], z_mm, stretched_mm)
        return points

    places = carry(np.array([disc.position_mm for disc in case.truth]))
    truth = tuple(
        replace(disc, position_mm=tuple(place))
        for disc, place in zip(case.truth, places, strict=True)
        if wanted_mm[0] + 6 < place[2] < wanted_mm[-1] - 6
    )
    line = carry(case.centerline.points_mm)
    inside = (line[:, 2] >= wanted_mm[0]) & (line[:, 2] <= wanted_mm[-1])
    return Case(Scan(_worsened(moved, rng), new_grid, Contrast.T2W), fit_centerline(line[inside][::4]), truth)


def _smooth_noise(rng: np.random.Generator, n: int, sigma: float) -> np.ndarray:
    noise = ndimage.gaussian_filter1d(rng.normal(size=n), sigma)
    return noise / noise.std()


def _worsened(data: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scale = np.percentile(data, 99)
    bias = np.exp(0.3 * _smooth_noise(rng, len(data), 40))[:, None, None]
    image = scale * np.clip(data / scale, 0, None) ** rng.uniform(0.7, 1.4) * bias
    return np.hypot(image + rng.normal(0, NOISE * scale, data.shape), rng.normal(0, NOISE * scale, data.shape))


def simulations(case: Case, *, head: bool) -> None:
    """Print how many discs are found, and named with a click and without, over simulated pieces."""
    rng = np.random.default_rng(UNSEEN_SEED)
    found, clicked, guessed, sure, sure_right = [], [], [], 0, 0
    for _ in range(SIMULATIONS):
        piece = simulated(case, rng, head=head)
        click = jittered(piece.truth[rng.integers(len(piece.truth))], rng)
        with_click = outcome(piece, label_discs(piece.scan, piece.centerline, clicks=[click]))
        others = np.array([d.number != click.number for d in piece.truth])
        clicked.append(with_click.along_mm[others] <= TOLERANCE_MM)
        alone = outcome(piece, label_discs(piece.scan, piece.centerline))
        found.append(alone.any_name_mm <= TOLERANCE_MM)
        right = np.mean(alone.along_mm <= TOLERANCE_MM) > 0.5
        guessed.append(right)
        sure += alone.confirmed
        sure_right += alone.confirmed and right
    what = f"{SIMULATIONS} pieces {'with' if head else 'without'} head"
    say(f"{what}: discs found within 3 mm, no click", f"{100 * np.concatenate(found).mean():.1f} %", "92-100 %")
    say(f"{what}: found and named, one click up to 4 mm off", f"{100 * np.concatenate(clicked).mean():.1f} %", "99 %")
    say(f"{what}: scans named right without click", f"{100 * np.mean(guessed):.0f} %", "71-88 %" if head else "12-42 %")
    say(f"{what}: of those called confirmed, right", f"{sure_right} of {sure}", "all")


def real_t2() -> None:
    """Print the discs of the small real T2w scan, named from the middle one."""
    folder = SHARED / "data" / "sct_testing" / "t2"
    scan, mask = load_scan(folder / "t2.nii.gz"), load_mask(folder / "t2_seg-manual.nii.gz")
    centerline = cord_centerline(mask)
    click = Disc(4, (-7.0, 12.0, 15.0))
    labelling = label_discs(scan, centerline, clicks=[click])
    heights = ", ".join(f"{d.name} {d.position_mm[2]:.0f}" for d in labelling.discs if d.origin is Origin.DETECTED)
    say("t2: discs beside the clicked one, z in mm (seen at 33 and -3)", heights, "both within 3 mm")
    say("t2: confirmed without a click", str(label_discs(scan, centerline).confirmed), "False")


def phantoms(seeds: Sequence[int] = (1,)) -> None:
    """Print what is found on digital exams with known truth."""
    from napari_spinalq.phantom.design import ExamDesign
    from napari_spinalq.phantom.make import make_exam

    for seed in seeds:
        exam = make_exam(ExamDesign(seed=seed, noise_seed=seed), contrasts=["t2w"])
        scan, mask = exam.scans["t2w"], exam.truth["t2w"].cord_mask
        rows = exam.discs[exam.discs.number >= 3]
        discs = [Disc(r.number, (r.x_mm, r.y_mm, r.z_mm)) for r in rows.itertuples()]
        in_view = tuple(d for d in discs if scan.grid.contains(d.position_mm))
        case = Case(scan, cord_centerline(Scan(mask, scan.grid)), in_view)
        each_click(case, f"phantom {seed}")
        alone = label_discs(case.scan, case.centerline)
        result = outcome(case, alone)
        right = int((result.along_mm <= TOLERANCE_MM).sum())
        say(f"phantom {seed}: without click, found and named", f"{right} of {len(in_view)}", f"{len(in_view)}")
        say(f"phantom {seed}: without click, confirmed", str(alone.confirmed), "False, or True and right")


def timing(case: Case) -> None:
    """Print the time of a large scan: the template resampled to 320 x 320 x 200 voxels."""
    data = np.asarray(case.scan.data, dtype=np.float32)
    zoom = np.array([320, 320, 200]) / data.shape
    affine = case.scan.grid.affine.copy()
    affine[:3, :3] /= zoom
    large = Scan(ndimage.zoom(data, zoom, order=1), Grid((320, 320, 200), affine), Contrast.T2W)
    for clicks, words in (((), "no click"), (case.truth[:1], "one click")):
        start = time.perf_counter()
        label_discs(large, case.centerline, clicks=clicks)
        say(f"320 x 320 x 200 voxels, {words}", f"{time.perf_counter() - start:.2f} s", "< 5 s")


def main() -> None:
    """Print all figures."""
    case = template()
    each_click(case, "template")
    rng = np.random.default_rng(1)
    each_click(case, "template, clicks up to 4 mm off", lambda disc: jittered(disc, rng))
    reversed_scan = replace(case.scan, data=float(case.scan.data.max()) - case.scan.data)
    each_click(replace(case, scan=reversed_scan), "template, contrast reversed")
    simulations(case, head=False)
    simulations(case, head=True)
    real_t2()
    phantoms()
    timing(case)


if __name__ == "__main__":
    main()
