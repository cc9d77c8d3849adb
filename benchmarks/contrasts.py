"""A matrix of digital scans of known truth: contrast x pixel x slice x field x noise, lesions, and both ends.

Run ``python benchmarks/contrasts.py [--grids NAME ...] [--contrasts NAME ...]``. The physical edge is asked
for (``edge_offset_mm=0``), as the truth is the anatomy's own. Each grid is integrated once and shown in every contrast;
the signal-to-noise ratio goes round with the number of the cell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from draws.cases import dice
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.canal import segment_canal
from napari_spinalq.cord.grey_matter import segment_grey_matter
from napari_spinalq.cord.segment import CordSegmentation, segment_cord
from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.phantom.anatomy import Anatomy, Pose
from napari_spinalq.phantom.contrasts import CONTRASTS, contrast_signals
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.piece import Piece, integrate
from napari_spinalq.phantom.protocol import Protocol, scan_grid
from napari_spinalq.phantom.sampling import LabelAt
from napari_spinalq.phantom.tissue import Tissue
from napari_spinalq.phantom.variants import Lesion, with_conus, with_lesions
from napari_spinalq.scan import Scan

SNRS = (8.0, 12.0, 20.0, 40.0)
"""Cells take these in turn."""

MIN_DICE, MAX_AREA_PERCENT, MIN_GM_DICE, MIN_CANAL_DICE = 0.93, 5.0, 0.8, 0.9
"""Targets: cord Dice and mean area error of a cell; Dice of grey matter and canal where they are drawn."""

GM_CLEAR, GM_ABSENT = 3.0, 0.5
"""Grey matter stands out where its contrast is above the first number of standard deviations of the noise on pixels up
to ``GM_PIXEL_MM``, and does not show under the second."""

GM_PIXEL_MM = 0.7
TIP_MM = -20.0
"""Arc position of the tip of the conus, mm."""

LESIONS = (
    Lesion(8.0, 3.6, -1.5, (9.0, 1.6, 1.4)),
    Lesion(2.0, -5.2, 0.3, (7.0, 1.8, 1.6)),
    Lesion(-6.0, 0.0, -2.6, (6.0, 1.5, 1.3)),
    Lesion(-14.0, -2.2, 0.8, (8.0, 2.6, 1.8)),
)
"""One in a lateral column, one across the lateral rim, one in the dorsal columns, a large one in grey matter."""


@dataclass(frozen=True)
class Stack:
    """A grid on a digital person: pixel and slice, mm; in-plane field, mm; where along the cord; how it is stored."""

    name: str
    spacing_mm: tuple[float, float, float]
    field_mm: tuple[float, float]
    n_slices: int
    middle_mm: float = 0.0
    codes: str = "LAS"
    what: str = "neck"
    pose: Pose | None = None

    def grid(self, anatomy: Anatomy) -> Grid:
        """Place it on the person."""
        shape = tuple(round(mm / side) for mm, side in zip(self.field_mm, self.spacing_mm[:2], strict=True))
        protocol = Protocol(
            self.name, "", Contrast.UNKNOWN, self.codes, self.spacing_mm, (*shape, self.n_slices), self.middle_mm, 0.0
        )
        return scan_grid(protocol, anatomy)

    def anatomy(self) -> Anatomy:
        """Return the person in the scanner."""
        design = healthy_design(7)
        return (design if self.pose is None else replace(design, pose=self.pose)).anatomy()

    def labels(self, anatomy: Anatomy) -> LabelAt:
        """Return what lies where."""
        if self.what == "conus":
            return with_conus(anatomy, TIP_MM)
        return with_lesions(anatomy, LESIONS) if self.what == "lesions" else anatomy.tissues


STACKS = (
    Stack("0.35x3 crop", (0.35, 0.35, 3.0), (45.0, 45.0), 8),
    Stack("0.35x5 160", (0.35, 0.35, 5.0), (160.0, 160.0), 4),
    Stack("0.5x5 crop", (0.5, 0.5, 5.0), (64.0, 64.0), 9),
    Stack("0.5x10 crop", (0.5, 0.5, 10.0), (64.0, 64.0), 6),
    Stack("0.5x17 160", (0.5, 0.5, 17.0), (160.0, 160.0), 4),
    Stack("0.7x0.8 crop", (0.7, 0.7, 0.8), (45.0, 45.0), 40),
    Stack("0.7x3 180", (0.7, 0.7, 3.0), (180.0, 180.0), 6),
    Stack("0.7x17 crop", (0.7, 0.7, 17.0), (60.0, 60.0), 5),
    Stack("1.0x1.0 200", (1.0, 1.0, 1.0), (200.0, 200.0), 18),
    Stack("1.0x3 crop", (1.0, 1.0, 3.0), (36.0, 36.0), 12),
    Stack("1.0x5 crop", (1.0, 1.0, 5.0), (48.0, 48.0), 9),
    Stack("1.0x10 crop", (1.0, 1.0, 10.0), (48.0, 48.0), 6),
    Stack("sagittal 3x0.5", (3.0, 0.5, 0.5), (45.0, 60.0), 80, 0.0, "PIR"),
    Stack("turned 0.5x3", (0.5, 0.5, 3.0), (64.0, 64.0), 12, 0.0, "IRP", pose=Pose(12.0, 10.0, 15.0)),
    Stack("foramen 0.7x3", (0.7, 0.7, 3.0), (70.0, 70.0), 20, 56.0, what="foramen"),
    Stack("conus 0.5x5", (0.5, 0.5, 5.0), (60.0, 60.0), 20, -20.0, what="conus"),
    Stack("conus 1.0x2", (1.0, 1.0, 2.0), (80.0, 80.0), 45, -20.0, what="conus"),
    Stack("lesions 0.5x5", (0.5, 0.5, 5.0), (64.0, 64.0), 9, what="lesions"),
    Stack("lesions 0.8x3", (0.8, 0.8, 3.0), (60.0, 60.0), 14, what="lesions"),
)


@dataclass(frozen=True)
class Cell:
    """What was measured on one scan; areas in percent of the truth, not a number where nothing can be said."""

    stack: str
    contrast: str
    snr: float
    found: bool
    dice: float = 0.0
    area: float = np.nan
    area_abs: float = np.nan
    beyond: int = 0
    lost: int = 0
    confidence: float = np.nan
    low_share: float = np.nan
    gm_ratio: float = np.nan
    gm_dice: float = np.nan
    canal_dice: float = np.nan
    pixel_mm: float = np.nan

    @property
    def missed(self) -> tuple[str, ...]:
        """Targets that were missed."""
        if not self.found:
            return ("found",)
        clear = abs(self.gm_ratio) >= GM_CLEAR and self.pixel_mm <= GM_PIXEL_MM
        absent = abs(self.gm_ratio) < GM_ABSENT
        checks = {
            "Dice": self.dice >= MIN_DICE,
            "area": abs(self.area) <= MAX_AREA_PERCENT,
            "ends": self.beyond + self.lost == 0,
            "GM": not (clear and np.isnan(self.gm_dice)) and not (absent and np.isfinite(self.gm_dice)),
            "GM Dice": not (clear and self.gm_dice < MIN_GM_DICE),
            "canal": not self.canal_dice < MIN_CANAL_DICE,
        }
        return tuple(name for name, met in checks.items() if not met)


def main() -> None:
    """Print the cells, then what each stack and each contrast reaches."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grids", nargs="*", default=[stack.name for stack in STACKS], help="names of stacks")
    parser.add_argument("--contrasts", nargs="*", default=list(CONTRASTS), help="names of contrasts")
    arguments = parser.parse_args()
    cells = []
    print(_HEAD)
    for cell in measured(arguments.grids, arguments.contrasts):
        cells.append(cell)
        print(_line(cell), flush=True)
    print()
    for part in ("stack", "contrast", "snr"):
        print("\n".join(summary(cells, part)), "\n")


def measured(stacks: list[str], contrasts: list[str]) -> Iterator[Cell]:
    """Measure every cell of the matrix."""
    for row, stack in enumerate(STACKS):
        if stack.name not in stacks:
            continue
        anatomy = stack.anatomy()
        piece = integrate(stack.labels(anatomy), stack.grid(anatomy))
        for column, contrast in enumerate(CONTRASTS):
            if contrast in contrasts:
                yield cell_of(stack, piece, contrast, row * len(CONTRASTS) + column)


def cell_of(stack: Stack, piece: Piece, contrast: str, number: int) -> Cell:
    """Segment one scan and compare it with the truth."""
    row = number // len(CONTRASTS)
    snr = SNRS[(number + row) % len(SNRS)]
    # Lesions go from half way to the fluid's signal to all of it, by turns.
    scan = piece.scan(contrast, snr=snr, lesion=(0.5, 1.0)[row % 2], seed=number)
    try:
        cord = segment_cord(scan, edge_offset_mm=0.0)
    except CordNotFoundError:
        return Cell(stack.name, contrast, snr, found=False)
    measures = _cord_measures(cord, piece)
    pixel_mm = max(piece.grid.reoriented("SAR").spacing[1:])
    gm_ratio = _gm_ratio(contrast, snr) if stack.what == "neck" else np.nan
    structures = _structures(scan, cord, piece, canal=stack.what != "foramen")
    return Cell(stack.name, contrast, snr, True, **measures, **structures, gm_ratio=gm_ratio, pixel_mm=pixel_mm)


def _cord_measures(cord: CordSegmentation, piece: Piece) -> dict[str, float]:
    truth, soft = (reorient_array(part, piece.grid, "SAR")[0] for part in (piece.cord, cord.soft))
    holds, kept = ((part >= 0.5).any(axis=(1, 2)) for part in (truth, soft))
    both = holds & kept
    if not both.any():
        return {"dice": 0.0, "beyond": int(kept.sum()), "lost": int(holds.sum())}
    # Only slices that hold the cord through all of their thickness have an area.
    inner = both & np.r_[holds[1:], True] & np.r_[True, holds[:-1]]
    error = 100 * (soft[inner].sum(axis=(1, 2)) / truth[inner].sum(axis=(1, 2), dtype=float) - 1)
    probability = cord.confidence.probability[kept]
    return {
        "dice": dice(soft[both] >= 0.5, truth[both] >= 0.5),
        "area": float(error.mean()) if inner.any() else np.nan,
        "area_abs": float(np.abs(error).mean()) if inner.any() else np.nan,
        "beyond": int((kept & ~holds).sum()),
        "lost": int((holds & ~kept).sum()),
        "confidence": float(probability.min()),
        "low_share": float(cord.confidence.low[kept].mean()),
    }


def _structures(scan: Scan, cord: CordSegmentation, piece: Piece, *, canal: bool) -> dict[str, float]:
    try:
        grey = segment_grey_matter(scan, cord.soft, cord.centerline, edge_level=0.5)
        wall = segment_canal(scan, cord.soft, cord.centerline) if canal else None
    except InputError:
        return {}
    return {
        "gm_dice": _dice_in_slices(grey.soft, piece.grey_matter, piece.grid) if grey.measurable else np.nan,
        "canal_dice": _dice_in_slices(wall.soft, piece.sac, piece.grid) if wall and wall.measurable else np.nan,
    }


def _dice_in_slices(soft: NDArray[np.float32], truth: NDArray[np.float32], grid: Grid) -> float:
    """Return Dice over the slices in which something is drawn."""
    drawn, known = (reorient_array(part, grid, "SAR")[0] >= 0.5 for part in (soft, truth))
    slices = drawn.any(axis=(1, 2))
    return dice(drawn[slices], known[slices])


def _gm_ratio(contrast: str, snr: float) -> float:
    """Return the contrast of grey to white matter in standard deviations of the noise."""
    signals = contrast_signals(contrast)
    grey, white = signals[Tissue.GREY_MATTER], signals[Tissue.WHITE_MATTER]
    return float((grey - white) / max(abs(grey), abs(white)) * snr)


_HEAD = (
    f"{'stack':15}{'contrast':18}{'SNR':>4}{'Dice':>7}{'area %':>8}{'abs':>6}{'beyond':>7}{'lost':>5}"
    f"{'min p':>7}{'low':>6}{'GM c/n':>8}{'GM':>6}{'canal':>7}  missed"
)


def _line(cell: Cell) -> str:
    if not cell.found:
        return f"{cell.stack:15}{cell.contrast:18}{cell.snr:4.0f}  not found"
    return (
        f"{cell.stack:15}{cell.contrast:18}{cell.snr:4.0f}{cell.dice:7.3f}{cell.area:+8.1f}{cell.area_abs:6.1f}"
        f"{cell.beyond:7d}{cell.lost:5d}{cell.confidence:7.2f}{cell.low_share:6.2f}{cell.gm_ratio:+8.1f}"
        f"{cell.gm_dice:6.2f}{cell.canal_dice:7.2f}  {', '.join(cell.missed)}"
    )


def summary(cells: list[Cell], part: str) -> list[str]:
    """Return a Markdown table with a line for each value of a field of :class:`Cell`."""
    assert part in {field.name for field in fields(Cell)}
    lines = [
        f"| {part} | found | Dice, mean | smallest | Dice >= {MIN_DICE} | area within {MAX_AREA_PERCENT:g} % | "
        "area %, mean | abs | slices beyond; lost | GM measured; Dice | canal measured; Dice |",
        "|" + "---|" * 11,
    ]
    for value in dict.fromkeys(getattr(cell, part) for cell in cells):
        lines.append(_summary_line(str(value), [cell for cell in cells if getattr(cell, part) == value]))
    return [*lines, _summary_line("all", cells)]


def _summary_line(name: str, cells: list[Cell]) -> str:
    found = [cell for cell in cells if cell.found]
    overlaps = np.array([cell.dice for cell in cells])
    area, area_abs, gm, canal = (
        np.array([getattr(cell, part) for cell in found]) for part in ("area", "area_abs", "gm_dice", "canal_dice")
    )
    area_text = f"{np.nanmean(area):+.1f} | {np.nanmean(area_abs):.1f}" if found else "- | -"
    within = (np.abs(area) <= MAX_AREA_PERCENT).sum()
    return (
        f"| {name} | {len(found)}/{len(cells)} | {overlaps.mean():.3f} | {overlaps.min():.3f} | "
        f"{(overlaps >= MIN_DICE).sum()} | {within} | {area_text} | "
        f"{sum(cell.beyond for cell in found)}; {sum(cell.lost for cell in found)} | {_drawn(gm)} | {_drawn(canal)} |"
    )


def _drawn(overlaps: NDArray[np.float64]) -> str:
    drawn = overlaps[np.isfinite(overlaps)]
    return f"{len(drawn)}; {drawn.mean():.2f}" if len(drawn) else "0"


if __name__ == "__main__":
    main()
