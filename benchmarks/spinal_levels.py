"""Spinal segments against vertebral levels: measures the offsets that are used, and how far they are from rootlets.

Run: python benchmarks/spinal_levels.py   (SPINALQ_SHARED names the folder of real data, default ../shared)

The offsets in ``levels/spinal.py`` come from here: borders of the PAM50 spinal levels, which follow the proportions of
Frostell et al. 2016 (doi:10.3389/fneur.2016.00238), against its vertebral levels. What is compared with its own source
proves the arithmetic only; the rootlets, drawn by hand on the template and on one real scan, are independent.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.discs import Disc, Labelling
from napari_spinalq.levels.external import border_mm, discs_from_level_map
from napari_spinalq.levels.spinal import SEGMENT_BORDERS, SEGMENTS, segment_map, spinal_extents
from napari_spinalq.scan import Scan

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
TEMPLATE = SHARED / "data" / "pam50" / "template"
T2 = SHARED / "data" / "sct_testing" / "t2"
ENTRY_MM = 1.5
"""Rootlets are compared where they enter the cord: voxels at most this much (mm) farther from it than the nearest."""


def say(what: str, figure: str, target: str) -> None:
    """Print a figure beside its target."""
    print(f"{what:<66} {figure:>26}   target {target}")


def centerline_of(mask: Scan) -> Centerline:
    """Fit a centerline through the centres of a mask's slices."""
    work = mask.in_work_order()
    slices = np.flatnonzero(work.data.any(axis=(1, 2)))
    centres = [np.r_[z, np.argwhere(work.data[z] > 0).mean(axis=0)] for z in slices]
    return fit_centerline(work.grid.voxel_to_mm(centres))


def borders_of(labels: Scan, centerline: Centerline) -> NDArray[np.float64]:
    """Return both ends and the borders of neighbouring labels along the cord, mm, superior to inferior."""
    numbers = [int(value) for value in np.unique(labels.data) if value]
    arcs = [centerline.nearest_arc(labels.grid.voxel_to_mm(np.argwhere(labels.data == number))) for number in numbers]
    between = [border_mm(upper, lower) for upper, lower in pairwise(arcs)]
    return np.array([arcs[0].max(), *between, arcs[-1].min()])


def centres_of(labels: Scan, centerline: Centerline) -> dict[int, float]:
    """Return the middle of each label along the cord, mm, from its voxels nearest to the cord."""
    centres = {}
    for number in (int(value) for value in np.unique(labels.data) if value):
        points = labels.grid.voxel_to_mm(np.argwhere(labels.data == number))
        arcs = centerline.nearest_arc(points)
        away = np.linalg.norm(points - centerline.position(arcs), axis=1)
        near = away <= away.min() + ENTRY_MM
        centres[number] = float(arcs[near].min() + arcs[near].max()) / 2
    return centres


def estimated_centres(labelling: Labelling, centerline: Centerline) -> dict[int, float]:
    """Return the middle of each estimated segment along the cord, mm."""
    extents = spinal_extents(labelling, centerline)
    return {extent.segment: (extent.upper_mm + extent.lower_mm) / 2 for extent in extents}


def offsets() -> None:
    """Measure the borders of segments in vertebral levels, beside the ones that are used."""
    levels, spinal = load_scan(TEMPLATE / "PAM50_levels.nii.gz"), load_scan(TEMPLATE / "PAM50_spinal_levels.nii.gz")
    centerline = centerline_of(levels)
    vertebral = borders_of(levels, centerline)
    measured = np.interp(-borders_of(spinal, centerline), -vertebral, np.arange(1, len(vertebral) + 1))
    print("superior end of each segment, in vertebral levels (used | measured):")
    for name, used, value in zip([*SEGMENTS, "end"], SEGMENT_BORDERS, measured, strict=True):
        print(f"  {name:>3}  {used:6.2f}  {value:6.2f}")
    say(
        "greatest difference between used and measured",
        f"{np.abs(measured - SEGMENT_BORDERS).max():.3f} levels",
        "< 0.02",
    )
    labelling = Labelling(discs_from_level_map(levels.data, levels.grid, centerline), True)
    there_and_back(labelling, centerline, levels, spinal)
    rootlets(labelling, centerline)


def there_and_back(labelling: Labelling, centerline: Centerline, levels: Scan, spinal: Scan) -> None:
    """Compare the segments estimated from the template's discs with the template's own."""
    ours = segment_map(labelling, centerline, levels.data, levels.grid)
    dice = []
    for number in range(1, len(SEGMENTS) + 1):
        mine, theirs = ours == number, (spinal.data == number) & (levels.data > 0)
        dice.append(2 * np.count_nonzero(mine & theirs) / (mine.sum() + theirs.sum()))
    say("template, its own source: Dice per segment, mean (worst)", f"{np.mean(dice):.3f} ({min(dice):.3f})", "> 0.95")
    estimated = {
        extent.segment: (extent.upper_mm + extent.lower_mm) / 2 for extent in spinal_extents(labelling, centerline)
    }
    theirs_mm = borders_of(spinal, centerline)
    errors = [abs(estimated[n] - (theirs_mm[n - 1] + theirs_mm[n]) / 2) for n in range(1, len(SEGMENTS) + 1)]
    say(
        "template, its own source: centre error, mean (worst)",
        f"{np.mean(errors):.2f} ({max(errors):.2f}) mm",
        "< 1 mm",
    )


def rootlets(labelling: Labelling, centerline: Centerline) -> None:
    """Compare the estimated centres with rootlets that were drawn on the template: independent of the offsets."""
    drawn = centres_of(load_scan(TEMPLATE / "PAM50_rootlets.nii.gz"), centerline)
    report("template, dorsal rootlets near the cord (independent)", drawn, labelling, centerline)


def report(what: str, drawn: dict[int, float], labelling: Labelling, centerline: Centerline) -> None:
    """Print how far below the estimated centre of each segment its rootlets lie."""
    estimated = {
        extent.segment: (extent.upper_mm + extent.lower_mm) / 2 for extent in spinal_extents(labelling, centerline)
    }
    below = {number: estimated[number] - arc for number, arc in drawn.items() if number in estimated}
    words = ", ".join(f"{SEGMENTS[number - 1]} {mm:+.1f}" for number, mm in below.items())
    print(f"{what}: rootlets below the estimated centre, mm: {words}")
    say(f"{what}: mean size", f"{np.mean(np.abs(list(below.values()))):.1f} mm", "< 8 mm (half a segment)")


def real_t2() -> None:
    """Compare with rootlets of one real scan, under both names that its label files give the same vertebrae."""
    mask = load_mask(T2 / "t2_seg-manual.nii.gz")
    centerline = centerline_of(mask)
    levels = load_scan(T2 / "t2_seg-manual_labeled.nii.gz")
    drawn = centres_of(load_scan(T2 / "t2_seg-deepseg_rootlets-manual.nii.gz"), centerline)
    discs = discs_from_level_map(levels.data, levels.grid, centerline)
    for words, shift in (("as in its level map", 0), ("as in its body labels, one further down", 1)):
        named = tuple(Disc(disc.number + shift, disc.position_mm, disc.origin) for disc in discs)
        report(f"t2, vertebrae named {words}", drawn, Labelling(named, True), centerline)


def main() -> None:
    """Print all figures."""
    offsets()
    real_t2()


if __name__ == "__main__":
    main()
