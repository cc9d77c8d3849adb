"""False alarms and found faults of the second look at named discs. Prints each figure beside its target.

Run: python benchmarks/level_checks.py   (SPINALQ_SHARED names the folder of real data, default ../shared)

No alarm may come from the template and the sample exams, whose discs are right. Then each disc in turn is given a
fault, and it is counted how often the check speaks. People are simulated with the spread of spacings that is assumed,
and with half of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from napari_spinalq.cord.centerline import Centerline, cord_centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.levels.chain import SPACING_SPREAD
from napari_spinalq.levels.check import check_labelling
from napari_spinalq.levels.discs import Disc, Labelling, check_discs
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.vertebrae import LAST_DISC

SHARED = Path(os.environ.get("SPINALQ_SHARED", Path(__file__).parents[2] / "shared"))
SAMPLE = Path(__file__).parents[1] / "sample_data" / "derivatives" / "truth"
PEOPLE = 2000
LAST_CERVICAL = 8
"""C7-T1."""

Fault = Callable[[tuple[Disc, ...], int, Centerline], tuple[Disc, ...]]


@dataclass(frozen=True)
class Case:
    """Right discs of a cord."""

    name: str
    discs: tuple[Disc, ...]
    centerline: Centerline
    grid: Grid


def say(what: str, figure: str, target: str) -> None:
    """Print a figure beside its target."""
    print(f"{what:<70} {figure:>16}   target {target}")


def case_of(name: str, cord: Path, discs: tuple[Disc, ...]) -> Case:
    """Take the discs beside the cord of a mask."""
    mask = load_mask(cord)
    centerline = cord_centerline(slice_shapes(mask.data, mask.grid).centroid_mm, mask.grid)
    return Case(name, tuple(disc for disc in discs if mask.grid.contains(disc.position_mm)), centerline, mask.grid)


def template_cases() -> Iterator[Case]:
    """Give the template with discs on the cord and at their posterior tips."""
    folder = SHARED / "data" / "sct_testing" / "template"
    for words, name in (("discs on the cord", "label_disc"), ("posterior tips", "label_discPosterior")):
        labels = load_mask_of_points(folder / f"PAM50_small_{name}.nii.gz")
        yield case_of(f"template, {words}", folder / "PAM50_small_cord.nii.gz", labels)


def load_mask_of_points(path: Path) -> tuple[Disc, ...]:
    """Read point labels."""
    from napari_spinalq.io.nifti import load_scan

    scan = load_scan(path)
    return discs_from_label_volume(scan.data, scan.grid)


def sample_cases() -> Iterator[Case]:
    """Give each scan of the sample exams with the true discs of its subject."""
    for folder in sorted(SAMPLE.glob("sub-*/anat")):
        subject = folder.parent.name
        table = pd.read_csv(folder / f"{subject}_discs.tsv", sep="\t")
        discs = tuple(Disc(row.number, (row.x_mm, row.y_mm, row.z_mm)) for row in table.itertuples())
        for mask in sorted(folder.glob("*_label-cord_mask.nii.gz")):
            yield case_of(mask.name.removesuffix("_label-cord_mask.nii.gz"), mask, discs)


def renamed(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Call one disc by the name of the next one down, which is then left out if it was there."""
    number = discs[index].number + 1
    others = tuple(disc for disc in discs[:index] + discs[index + 1 :] if disc.number != number)
    return tuple(sorted((*others, replace(discs[index], number=number)), key=lambda disc: disc.number))


def displaced(discs: tuple[Disc, ...], index: int, centerline: Centerline, by_mm: float = 8.0) -> tuple[Disc, ...]:
    """Move one disc down along the cord."""
    arc = float(centerline.nearest_arc(np.array([discs[index].position_mm]))[0])
    step = centerline.position(arc - by_mm) - centerline.position(arc)
    moved = replace(discs[index], position_mm=tuple(np.add(discs[index].position_mm, step).tolist()))
    return (*discs[:index], moved, *discs[index + 1 :])


def up(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Move one disc 8 mm up along the cord."""
    return displaced(discs, index, centerline, -8.0)


def by_5_mm(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Move one disc 5 mm down along the cord."""
    return displaced(discs, index, centerline, 5.0)


def missing(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Leave one disc out."""
    return discs[:index] + discs[index + 1 :]


def ahead(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Put one disc 50 mm farther to the front."""
    moved = replace(discs[index], position_mm=tuple(np.add(discs[index].position_mm, (0, 50, 0)).tolist()))
    return (*discs[:index], moved, *discs[index + 1 :])


def all_renamed(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Call every disc by the name of the next one down."""
    return tuple(replace(disc, number=disc.number + 1) for disc in discs if disc.number < LAST_DISC)


def all_renamed_up(discs: tuple[Disc, ...], index: int, centerline: Centerline) -> tuple[Disc, ...]:
    """Call every disc by the name of the next one up."""
    return tuple(replace(disc, number=disc.number - 1) for disc in discs if disc.number > 3)


FAULTS: dict[str, tuple[Fault, str]] = {
    "one disc called by the next name": (renamed, "all"),
    "one disc 8 mm too low": (displaced, "all"),
    "one disc 8 mm too high": (up, "all"),
    "one disc 5 mm too low": (by_5_mm, "most"),
    "one disc missing": (missing, "all"),
    "one disc 50 mm too far in front": (ahead, "all"),
}

WHOLE_ROW: dict[str, tuple[Fault, str]] = {
    "all names one too low": (all_renamed, "where the cord reaches up"),
    "all names one too high": (all_renamed_up, "none: needs a landmark"),
}


def speaks(case: Case, discs: tuple[Disc, ...]) -> bool:
    """Tell whether the discs are refused or told about."""
    try:
        check_discs(discs, case.centerline)
    except InputError:
        return True
    return bool(check_labelling(Labelling(discs, True), case.centerline, case.grid))


def faults(cases: list[Case]) -> None:
    """Give each disc beside the cord each fault, and count; then the whole row."""
    rows = [(case, beside_cord(case)) for case in cases]
    for words, (fault, target) in FAULTS.items():
        spoken = {
            (case.name, discs[index].number): speaks(case, fault(discs, index, case.centerline))
            for case, discs in rows
            for index in range(len(discs))
        }
        neck = [told for (_, number), told in spoken.items() if number <= LAST_CERVICAL]
        say(f"{words}, C2-C3 to C7-T1: refused or told", f"{sum(neck)} of {len(neck)}", target)
        say(f"{words}, all: refused or told", f"{sum(spoken.values())} of {len(spoken)}", target)
    for words, (fault, target) in WHOLE_ROW.items():
        told = [speaks(case, fault(discs, 0, case.centerline)) for case, discs in rows]
        say(f"{words}: refused or told", f"{sum(told)} of {len(told)} rows", target)


def beside_cord(case: Case) -> tuple[Disc, ...]:
    """Return the discs from C2-C3 down that lie beside the cord in view."""
    arcs = Labelling(case.discs, True).arcs_mm(case.centerline)
    return tuple(
        disc
        for disc, arc in zip(case.discs, arcs, strict=True)
        if disc.number >= 3 and 0 <= arc <= case.centerline.length_mm
    )


def simulated_people(spread: float) -> int:
    """Count alarms on straight spines C2-C3 to T3-T4 whose spacings vary by chance."""
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(PEOPLE):
        size = np.exp(rng.normal(0, 0.1))
        heights = [size * TYPICAL_HEIGHT_MM[n] * (1 + rng.normal(0, spread)) for n in range(3, 11)]
        arcs = 10.0 + np.r_[np.cumsum(heights[::-1])[::-1], 0.0]
        cord = Centerline(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, arcs[0] + 20.0]]))
        discs = tuple(Disc(3 + n, (0.0, 10.0, float(arc))) for n, arc in enumerate(arcs))
        grid = Grid((60, 60, int(arcs[0]) + 21), np.array([[1, 0, 0, -30], [0, 1, 0, -30], [0, 0, 1, 0], [0, 0, 0, 1]]))
        alarms += bool(check_labelling(Labelling(discs, True), cord, grid))
    return alarms


def main() -> None:
    """Print all figures."""
    cases = [*template_cases(), *sample_cases()]
    for case in cases:
        flags = check_labelling(Labelling(case.discs, True), case.centerline, case.grid)
        say(f"false alarms: {case.name} ({len(case.discs)} discs)", f"{len(flags)}", "0")
        for flag in flags:
            print("   ", flag)
    faults([case for case in cases if "template" in case.name or case.name.endswith("T2w")])
    for part in (0.5, 1.0):
        alarms = simulated_people(part * SPACING_SPREAD)
        what = f"simulated people, spacings vary by {100 * part * SPACING_SPREAD:.0f} %: false alarms"
        say(what, f"{100 * alarms / PEOPLE:.1f} %", "< 5 %")


if __name__ == "__main__":
    main()
