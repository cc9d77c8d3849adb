"""Find and name discs on real, simulated and digital scans. Prints each figure beside its target.

Run: python benchmarks/levels.py   (SPINALQ_SHARED names the folder of real scans, default ../shared)

The simulated scans are people made from the template T2w image (see level_scans.py): they share its anatomy, so they
test robustness, not the spread between people. Draws with even numbers were used for tuning; figures are of odd ones.
Run with --auto to segment the cord of every simulated scan too (slow).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from level_scans import AXIAL, LOOKS, Case, Look, Spacing, simulated
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.detect import label_discs
from napari_spinalq.levels.discs import Disc, Labelling, Origin, disc_arcs_mm
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.scan import Scan

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
TOLERANCE_MM = 3.0
JITTER_MM = 4.0
DRAWS = 20
"""People for each look."""

NO_HEAD_CROP_MM, NO_HEAD_LENGTH_MM = (90.0, 250.0), (120.0, 300.0)
"""Pieces without a head: cut off the top of the template, from C1 to the middle of the chest, and their length (mm)."""


@dataclass(frozen=True)
class Outcome:
    """How far (mm) each true disc lies from the found one of its name, along the cord and in space; inf if missing."""

    along_mm: np.ndarray
    space_mm: np.ndarray
    any_name_mm: np.ndarray
    confirmed: bool

    @property
    def found(self) -> np.ndarray:
        """Which true discs have a disc of any name within the tolerance."""
        return self.any_name_mm <= TOLERANCE_MM

    @property
    def named(self) -> np.ndarray:
        """Which true discs have the disc of their own name within the tolerance."""
        return self.along_mm <= TOLERANCE_MM

    @property
    def right(self) -> bool:
        """Whether no disc that was found has a wrong name."""
        return bool(self.found.any() and (self.named >= self.found).all())


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


def each_look(
    case: Case,
    looks: Mapping[str, tuple[Look, Spacing]],
    *,
    auto: bool = False,
    clicked: bool = False,
    simulate: Callable[..., Case] = simulated,
) -> None:
    """Print what is found over simulated people, look by look and together."""
    everyone: list[Outcome] = []
    for place, (name, (look, spacing_mm)) in enumerate(looks.items()):
        outcomes = []
        for draw in range(1, 2 * DRAWS, 2):
            rng = np.random.default_rng([place, draw])
            piece = simulate(case, rng, look, spacing_mm)
            outcomes.append(labelled(piece, rng, auto=auto, clicked=clicked))
        summary(f"{name}{', cord segmented' if auto else ''}{', one click' if clicked else ''}", outcomes)
        everyone += outcomes
    summary(f"together{', cord segmented' if auto else ''}{', one click' if clicked else ''}", everyone)


def labelled(piece: Case, rng: np.random.Generator, *, auto: bool, clicked: bool) -> Outcome:
    """Label a simulated scan, along its known cord or a segmented one, without a click or with a hurried one."""
    centerline = segment_cord(piece.scan).centerline if auto else piece.centerline
    clicks = [jittered(piece.truth[rng.integers(len(piece.truth))], rng)] if clicked else []
    return outcome(piece, label_discs(piece.scan, centerline, clicks=clicks))


def summary(what: str, outcomes: Sequence[Outcome]) -> None:
    """Print the share of discs found and named, and how many names count as confirmed."""
    found = np.concatenate([one.found for one in outcomes])
    named = np.concatenate([one.named for one in outcomes])
    sure = [one.right for one in outcomes if one.confirmed]
    print(
        f"{what:<48} discs found {100 * found.mean():5.1f} %  named {100 * named.mean():5.1f} %  "
        f"confirmed {len(sure)} of {len(outcomes)}, of these right {sum(sure)}"
    )


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


def phantom_heads(seeds: Sequence[int] = range(1, 7)) -> None:
    """Print how digital people with the head in view are named: drawn without the template's head or column."""
    from napari_spinalq.phantom.design import healthy_design
    from napari_spinalq.phantom.make import make_exam
    from napari_spinalq.phantom.protocol import Protocol

    protocol = Protocol(
        "t2w", "T2w", Contrast.T2W, "PIR", (0.9, 0.9, 0.9), (56, 150, 230), 11.0, 5.0, -2.0, oblique=False
    )
    outcomes: dict[str, list[Outcome]] = {}
    for seed in seeds:
        exam = make_exam(healthy_design(seed), contrasts=["t2w"], protocols=[protocol])
        scan, cord = exam.scans["t2w"], Scan(exam.truth["t2w"].cord_mask, exam.scans["t2w"].grid)
        discs = [Disc(r.number, (r.x_mm, r.y_mm, r.z_mm)) for r in exam.discs.itertuples() if r.number >= 3]
        truth = tuple(disc for disc in discs if scan.grid.contains(disc.position_mm))
        case = Case(scan.in_work_order(), cord_centerline(cord), truth)
        for name in ("as the template", "noise 8 %", "gamma 0.5-2", "bias field", "reversed"):
            worse = LOOKS[name][0](np.asarray(case.scan.data, dtype=np.float32), np.random.default_rng(seed))
            seen = replace(case, scan=replace(case.scan, data=worse))
            labelling = label_discs(seen.scan, seen.centerline)
            outcomes.setdefault(name, []).append(outcome(seen, labelling))
    for name, some in outcomes.items():
        summary(f"digital people, head in view: {name}", some)


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
        say(f"320 x 320 x 200 voxels, {words}", f"{time.perf_counter() - start:.2f} s", "< 2 s")


def main() -> None:
    """Print all figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--auto", action="store_true", help="segment the cord of every simulated scan too")
    auto = options.parse_args().auto
    case = template()
    each_click(case, "template")
    rng = np.random.default_rng(1)
    each_click(case, "template, clicks up to 4 mm off", lambda disc: jittered(disc, rng))
    reversed_scan = replace(case.scan, data=float(case.scan.data.max()) - case.scan.data)
    each_click(replace(case, scan=reversed_scan), "template, contrast reversed")
    print("\nhead and 250 mm or more in view (targets: found 98 %, named 90 %)")
    each_look(case, LOOKS)
    if auto:
        each_look(case, LOOKS, auto=True)
    each_look(case, LOOKS, clicked=True)
    print("\nhead not in view")
    no_head = partial(simulated, head_crop_mm=NO_HEAD_CROP_MM, length_mm=NO_HEAD_LENGTH_MM)
    each_look(case, LOOKS, simulate=no_head)
    print("\nthick axial slices, head in view")
    each_look(case, AXIAL)
    each_look(case, AXIAL, clicked=True)
    print()
    real_t2()
    phantoms()
    phantom_heads()
    timing(case)


if __name__ == "__main__":
    main()
