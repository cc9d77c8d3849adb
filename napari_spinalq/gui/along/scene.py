"""What the dock along the cord shows of the session: strip, course, profile, and the marks on its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_spinalq.cord.confidence import recorded_confidence
from napari_spinalq.cord.strip import Strip, StripPlane, lay_strip
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.gui.along.strip_picture import Overlay, grey, painted_over
from napari_spinalq.gui.colours import STRUCTURE_COLOURS
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.levels.course import Course, course_of
from napari_spinalq.levels.discs import Labelling
from napari_spinalq.metrics.catalogue import TISSUES
from napari_spinalq.norms.reference import Reference
from napari_spinalq.norms.words import place_in_words
from napari_spinalq.vertebrae import level_name


@dataclass(frozen=True)
class Metric:
    """A measure that can be plotted: its attribute, title, unit and decimals."""

    attribute: str
    title: str
    unit: str
    decimals: int

    def words(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{value:.{self.decimals}f} {self.unit}".strip()


AREA = Metric("area_mm2", "Area, mm²", "mm²", 1)
SHAPE_METRICS = (
    AREA,
    Metric("diameter_ap_mm", "AP, mm", "mm", 2),
    Metric("diameter_ap_ellipse_mm", "AP of ellipse, mm", "mm", 2),
    Metric("diameter_rl_mm", "RL, mm", "mm", 2),
    Metric("eccentricity", "Eccentricity", "", 3),
    Metric("solidity", "Solidity", "", 3),
)
TISSUE_METRICS = (AREA, Metric("asymmetry_percent", "Left–right, %", "%", 1))


def metrics_of(structure: str) -> tuple[Metric, ...]:
    """Return what can be plotted of a structure."""
    return TISSUE_METRICS if structure in TISSUES else SHAPE_METRICS


LETTERS = {StripPlane.SAGITTAL: ("A", "P"), StripPlane.CORONAL: ("R", "L")}
"""What is up and what is down on the strip: anterior and posterior, right and left of the patient."""

DEEPER = {StripPlane.SAGITTAL: "R", StripPlane.CORONAL: "A"}
"""Towards what the depth of the strip grows."""

SIGNS = {"edited": "edited", "doubtful": "low confidence", "spike": "spike"}


@dataclass(frozen=True, eq=False)
class Scene:
    """The scan at hand along its cord.

    Attributes
    ----------
    work : ScanWork
        The scan.
    course : Course
        Where slices, discs and levels lie.
    strip : Strip
        The plane on display.
    """

    work: ScanWork
    course: Course
    strip: Strip

    @property
    def work_grid(self) -> Grid:
        """Of the layers."""
        return self.strip.grid

    @property
    def range_mm(self) -> tuple[float, float]:
        """First and last place on the strip, mm from the origin of the course."""
        first, last = self.course.along_mm(self.strip.frame.arcs_mm()[[-1, 0]])
        return float(first), float(last)

    @property
    def place(self) -> QRectF:
        """Rectangle of the pictures in the plot: samples are the centres of its pixels."""
        along, across = self.strip.shape
        step = self.strip.frame.spacing_mm[0]
        return QRectF(self.range_mm[0] - step / 2, -step * across / 2, step * along, step * across)

    @property
    def names_mm(self) -> dict[str, float]:
        """Middle of each level, by name."""
        first, last = self.range_mm
        middles = {level_name(level): sum(ends) / 2 for level, ends in self.course.levels_mm.items()}
        return {name: middle for name, middle in middles.items() if first <= middle <= last}

    def picture(self, volume: int) -> NDArray[np.uint8]:
        """Return the grey values, shape (x, y): superior first, upwards."""
        data = self.work.image.data
        data = data[min(volume, len(data) - 1)] if data.ndim == 4 else data
        return grey(self.strip.image(data), tuple(self.work.image.contrast_limits))[::-1]

    def masks(self) -> NDArray[np.uint8]:
        """Return the masks as pixels, shape (x, y, 4), as their layers are shown."""
        overlays = [
            Overlay(
                self.strip.labels(np.asarray(layer.data)) == 1,
                STRUCTURE_COLOURS[name],
                float(layer.opacity),
                layer.contour > 0,
            )
            for name, layer in self.work.masks().items()
            if layer.visible
        ]
        return painted_over(self.strip.shape, overlays)[::-1]


def scene_of(session: Session, plane: StripPlane, depth_mm: float) -> Scene | None:
    """Return the scan at hand along its cord; None until its cord is known."""
    work = session.current
    if work is None or work.mask is None or work.centerline is None:
        return None
    grid = work.scan.grid.reoriented(WORK_AXES)
    try:
        course = course_of(session.labelling, work.centerline, grid)
        strip = lay_strip(work.centerline, grid, plane, depth_mm=depth_mm)
    except InputError:  # discs or a centerline that no cord has: whoever made them has said so
        return None if not session.labelling.discs else _without_levels(work, grid, plane, depth_mm)
    return Scene(work, course, strip)


def _without_levels(work: ScanWork, grid: Grid, plane: StripPlane, depth_mm: float) -> Scene | None:
    try:
        strip = lay_strip(work.centerline, grid, plane, depth_mm=depth_mm)
        return Scene(work, course_of(Labelling((), confirmed=False), work.centerline, grid), strip)
    except InputError:
        return None


def marked_slices(work: ScanWork, structure: str) -> dict[str, NDArray[np.bool_]]:
    """Return which slices a person edited and which are of low confidence; known for the cord alone."""
    count = work.mask.data.shape[0]
    nothing = np.zeros(count, dtype=bool)
    if structure != CORD:
        return {"edited": nothing, "doubtful": nothing.copy()}
    confidence = recorded_confidence(work.record(), count)
    return {"edited": work.edited_slices(), "doubtful": nothing if confidence is None else confidence.low}


def slice_words(
    number: int, level: int, value: float, metric: Metric, signs: Sequence[str], reference: Reference | None
) -> str:
    """Say what is known of a slice.

    Parameters
    ----------
    number, level : int
        Its number and level (0: none).
    value : float
        Of the measure; NaN where the structure is not drawn.
    metric : Metric
        Which measure.
    signs : sequence of str
        Keys of ``SIGNS``.
    reference : Reference, optional
        Healthy people, if there are some for this measure.
    """
    words = [f"slice {number}", *([level_name(level)] if level else [])]
    if not np.isfinite(value):
        return " · ".join([*words, "not drawn"])
    words += [metric.words(value), *(SIGNS[name] for name in signs)]
    if reference is not None and level in reference.levels:
        words.append(place_in_words(float(reference.levels[level].z(value))))
    return " · ".join(words)
