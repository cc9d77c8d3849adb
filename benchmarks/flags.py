"""Measure what the automatic flags catch and how often they cry wolf, beside the target of 0.90 for each ROC AUC.

Run ``python benchmarks/flags.py [--half set] [--docs]``; real scans are looked for in ``SPINALQ_SHARED`` (default
``../shared``). Thresholds were set on the half ``set`` (digital people 101, 103, 105 and the masks of five real
people); the default ``check`` is the other half, with the real scans. Faults are drawn with severities even between 0
and 1. ``--docs`` writes the table into ``docs/flags.md``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from draws.flag_cases import Named, digital_cases, people_cases, real_scan_cases
from numpy.typing import NDArray
from scipy.stats import median_abs_deviation, rankdata

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.samples import sample_subjects
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.pipeline import analyze_exam, measure_scan
from napari_spinalq.quality.faults import Case, inject, segmented_anew
from napari_spinalq.quality.flags import RULES, Check, finding_of, flags_of, scores_of
from napari_spinalq.results import ScanResult
from napari_spinalq.scan import Scan

TARGET = 0.90
"""ROC AUC that each check shall reach."""

DRAWS = {"digital": 2, "masks": 4, "real": 10}
"""Faults of each kind drawn for each good case of a group; each draw of low confidence is a segmentation: one only."""

SEEN_IN_MASKS = (
    Check.LEAK, Check.HOLE, Check.SECOND_COMPONENT, Check.AREA_JUMP, Check.MISSING_SLICE, Check.CORD_OUTSIDE_CANAL,
)  # fmt: skip
"""Checks that need no image."""

HAMPEL_WINDOW, HAMPEL_SD = 7, 3.0
"""The Hampel identifier as it is usually set (Davies and Gather 1993, J Am Stat Assoc 88, 782-792)."""

LEAST_SPREAD_MM2 = 1e-6
"""Keeps the identifier finite where all areas of a window are the same."""

DOCS = Path(__file__).parents[1] / "docs" / "flags.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->"
MAX_SECONDS = 1.0
"""Flags of a 320 x 320 x 200 exam may take this long beyond measuring, s."""


@dataclass
class Scores:
    """Scores of one check in one group of cases."""

    clean: list[float] = field(default_factory=list)
    faulted: list[float] = field(default_factory=list)

    def known(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the scores that could be assessed."""
        return tuple(np.array([score for score in part if np.isfinite(score)]) for part in (self.clean, self.faulted))


Table = dict[tuple[Check, str], Scores]


def main() -> None:
    """Print the table, the false flags of clean exams, and the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("set", "check"), default="check")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/flags.md")
    arguments = parser.parse_args()
    groups: dict[str, list[Named]] = {
        "digital": list(digital_cases(arguments.half)),
        "masks": list(people_cases(arguments.half)),
        "real": list(real_scan_cases()) if arguments.half == "check" else [],
    }
    table = scored(groups)
    lines = [*table_lines(table), "", *false_flag_lines(groups, sample=arguments.half == "check")]
    lines += ["", robust_z_line(groups), "", speed_line()]
    print("\n".join(lines))
    if arguments.docs:
        write_docs(lines)


def write_docs(lines: list[str]) -> None:
    """Put the figures between their marks in the documentation."""
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    text = before + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + rest.partition(END)[2]
    DOCS.write_text(text, encoding="utf-8")


def scored(groups: dict[str, list[Named]]) -> Table:
    """Score every good case, and every fault put into it."""
    table: Table = {(check, group): Scores() for check in Check for group in groups}
    for group, cases in groups.items():
        for number, named in enumerate(cases):
            print(f"{group} {number + 1} of {len(cases)}: {named.name}", file=sys.stderr, flush=True)
            for check in Check if named.has_image else SEEN_IN_MASKS:
                clean, faulted = _of_case(
                    named.case, check, np.random.default_rng([number, list(Check).index(check)]), DRAWS[group]
                )
                table[check, group].clean += clean
                table[check, group].faulted += faulted
    return table


@cache
def _automatic_case(case: Case) -> Case:
    """Return a case with the cord that is found in its image, looked for once."""
    return segmented_anew(case)


def _of_case(case: Case, check: Check, rng: np.random.Generator, draws: int) -> tuple[list[float], list[float]]:
    """Return the clean score of a case and those of its faults; none where the fault is not possible."""
    try:
        anew = check is Check.LOW_CONFIDENCE
        faults = [inject(case, check, rng, float(rng.uniform())) for _ in range(1 if anew else draws)]
        good = _automatic_case(case) if anew else case
    except InputError:  # no canal, no grey matter, no discs, too few slices, no cord found
        return [], []
    return [_score(good, check)], [_score(fault, check) for fault in faults]


def _score(case: Case, check: Check) -> float:
    try:
        return finding_of(case.measured(), check).score
    except InputError:  # discs that measuring refuses at once never get as far as a flag
        return float("nan")


def area_under_curve(check: Check, scores: Scores) -> float:
    """Return how often a fault scores worse than a clean case, ties by half (Hanley and McNeil 1982, Radiology 143)."""
    clean, faulted = (np.array([RULES[check].badness(score) for score in part]) for part in scores.known())
    if not len(clean) or not len(faulted):
        return float("nan")
    ranks = rankdata(np.r_[faulted, clean])[: len(faulted)]
    return float((ranks.sum() - len(faulted) * (len(faulted) + 1) / 2) / (len(faulted) * len(clean)))


def table_lines(table: Table) -> list[str]:
    """Return the table in Markdown: one line a check."""
    lines = [
        "| Flag | Score | Threshold | AUC digital | AUC masks | AUC real | Sensitivity | Specificity | Target 0.90 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for check in Check:
        rule = RULES[check]
        parts = [table[check, group] for group in ("digital", "masks", "real")]
        pooled = Scores([s for part in parts for s in part.clean], [s for part in parts for s in part.faulted])
        clean, faulted = pooled.known()
        caught, cried = (np.array([rule.is_flagged(score) for score in part]) for part in (faulted, clean))
        aucs = [area_under_curve(check, part) for part in parts]
        met = all(auc >= TARGET for auc in aucs if np.isfinite(auc))
        sign = "<" if rule.low_is_bad else ">"
        lines.append(
            f"| {rule.title} | {rule.meaning} | {sign} {rule.threshold:g} {rule.unit} | "
            + " | ".join(_cell(auc, part) for auc, part in zip(aucs, parts, strict=True))
            + f" | {_share(caught)} | {_share(~cried)} | {'met' if met else '**missed**'} |"
        )
    return lines


def _cell(auc: float, scores: Scores) -> str:
    clean, faulted = scores.known()
    return f"{auc:.2f} ({len(faulted)} / {len(clean)})" if np.isfinite(auc) else "–"


def _share(hits: NDArray[np.bool_]) -> str:
    return f"{hits.mean():.2f} ({np.count_nonzero(hits)} of {len(hits)})" if len(hits) else "–"


def false_flag_lines(groups: dict[str, list[Named]], *, sample: bool) -> list[str]:
    """Return how many flags clean exams raise, group by group, and which."""
    lines = ["| Clean exams | Flags per exam | Which |", "|---|---|---|"]
    for group, title in (("digital", "digital, true masks"), ("real", "real scans, reference masks")):
        results = [named.case.measured() for named in groups[group] if named.has_image]
        lines += _false_flags(title, results)
    masks = [[Check(c) for c in SEEN_IN_MASKS if RULES[c].is_flagged(s[c])] for s in _mask_scores(groups["masks"])]
    lines += _counted("masks of people (mask checks alone)", masks)
    for group, title in (("digital", "digital, automatic masks"), ("real", "real scans, automatic masks")):
        lines += _false_flags(title, list(_automatic(groups[group])))
    if sample:
        results = [scan for subject in sample_subjects() for scan in analyze_exam(find_exam([subject])).scans]
        lines += _false_flags("sample exams, all automatic", results)
    return lines


def _mask_scores(cases: Iterable[Named]) -> Iterator[dict[Check, float]]:
    for named in cases:
        yield scores_of(named.case.measured())


def _automatic(cases: Iterable[Named]) -> Iterator[ScanResult]:
    for named in cases:
        try:
            yield replace(_automatic_case(named.case), structures=()).measured()
        except InputError:
            continue


def _false_flags(title: str, results: list[ScanResult]) -> list[str]:
    return _counted(title, [[flag.check for flag in flags_of(result)] for result in results])


def _counted(title: str, found: list[list[Check]]) -> list[str]:
    if not found:
        return []
    every = [check for one in found for check in one]
    counts = ", ".join(f"{RULES[check].title} {every.count(check)}" for check in Check if check in every) or "none"
    return [f"| {title} ({len(found)}) | {len(every) / len(found):.2f} | {counts} |"]


def robust_z_line(groups: dict[str, list[Named]]) -> str:
    """Say what the usual outlier test on areas, the Hampel identifier, makes of the same kind of faults."""
    scores = Scores()
    for number, named in enumerate([*groups["digital"], *groups["masks"]]):
        random = np.random.default_rng(number)
        faults = [inject(named.case, Check.AREA_JUMP, random, float(random.uniform())) for _ in range(2)]
        scores.clean.append(_hampel(named.case))
        scores.faulted += [_hampel(fault) for fault in faults]
    clean, _ = scores.known()
    return (
        f"Area jumps by the Hampel identifier instead (window of {HAMPEL_WINDOW} slices): AUC "
        f"{area_under_curve(Check.AREA_JUMP, scores):.2f}; at its usual threshold of {HAMPEL_SD:g} robust standard "
        f"deviations {100 * (clean > HAMPEL_SD).mean():.0f} % of the clean scans are flagged."
    )


def _hampel(case: Case) -> float:
    """Return the largest distance of an area from the median of its window, in robust standard deviations."""
    areas, half = slice_shapes(case.cord, case.scan.grid).area_mm2, HAMPEL_WINDOW // 2
    windows = [areas[max(0, place - half) : place + half + 1] for place in range(len(areas))]
    spread = [max(float(median_abs_deviation(window, scale="normal")), LEAST_SPREAD_MM2) for window in windows]
    return max(abs(area - np.median(window)) / sd for area, window, sd in zip(areas, windows, spread, strict=True))


def speed_line() -> str:
    """Say how long the flags of a large exam take."""
    return f"Flags of a 320 x 320 x 200 exam: {seconds():.2f} s beyond measuring (target under {MAX_SECONDS:g})."


def seconds() -> float:
    """Return how long the flags of a large exam take beyond measuring, s."""
    grid = Grid((200, 320, 320), np.array([[0, 0, 0.6, -96], [0, 0.6, 0, -96], [1.0, 0, 0, 0], [0, 0, 0, 1.0]]))
    y, x = (np.indices(grid.shape[1:]) - 160.0) * 0.6
    section = (x / 6.5) ** 2 + (y / 4.0) ** 2 <= 1
    noise = np.random.default_rng(0).normal(100.0, 5.0, grid.shape).astype(np.float32)
    mask = np.broadcast_to(section, grid.shape).astype(np.uint8)
    result = measure_scan(Scan(noise - 50 * mask, grid), mask, Case(Scan(noise, grid), mask).labelling)
    began = time.perf_counter()
    flags_of(result)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
