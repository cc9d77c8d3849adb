"""Mean and spread of the cord's shape in healthy adults, per vertebral level.

Source: Valosek, Bédard et al. 2024, Imaging Neuroscience 2, doi:10.1162/imag_a_00075, and the repository
spinalcordtoolbox/PAM50-normalized-metrics (MIT licence, commit 61c5a21), where the data sets spine-generic
multi-subject and whole-spine hold T2w scans. ``docs/along.md`` tells how the table beside this module was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.io.participants import Sex
from napari_spinalq.vertebrae import level_number

SD_TO_CENTRAL_95 = 1.96
"""95 % of a normal distribution lie within this many SD of its mean."""

MIN_PEOPLE = 40
"""Fewer people than this at a level give no range: with 40 the ends of a 95 % range are known to 0.27 SD (Bland and
Altman 1999, doi:10.1177/096228029900800204: the standard error is SD sqrt(1/n + 1.96^2 / (2 n)))."""

WHO = {None: "adults", Sex.FEMALE: "women", Sex.MALE: "men"}


@dataclass(frozen=True)
class LevelNorm:
    """Healthy people at one level.

    Attributes
    ----------
    people : int
        How many.
    mean, sd : float
        Of the measure, in its unit.
    """

    people: int
    mean: float
    sd: float

    def z(self, value: ArrayLike) -> NDArray[np.float64]:
        """Return how many SD values lie above the mean, any shape."""
        return (np.asarray(value, dtype=float) - self.mean) / self.sd

    @property
    def central_95(self) -> tuple[float, float]:
        """The 2.5th and 97.5th percentile, taken as mean -+ 1.96 SD."""
        return self.mean - SD_TO_CENTRAL_95 * self.sd, self.mean + SD_TO_CENTRAL_95 * self.sd


@dataclass(frozen=True)
class Reference:
    """Healthy people along the cord, for one measure.

    Attributes
    ----------
    levels : mapping of int to LevelNorm
        By vertebral level, superior first; levels with fewer than ``MIN_PEOPLE`` are left out.
    sex : Sex, optional
        None: women and men together.
    people : int
        At the level with most of them.
    age_min, age_max : int
        Youngest and oldest, years.
    """

    levels: Mapping[int, LevelNorm]
    sex: Sex | None
    people: int
    age_min: int
    age_max: int

    @property
    def label(self) -> str:
        """Who they are, as a phrase."""
        return f"healthy 95 % range, T2w, {self.people} {WHO[self.sex]} {self.age_min}–{self.age_max} y"


def reference_of(
    attribute: str, contrast: Contrast, *, structure: str = "cord", sex: Sex | None = None
) -> Reference | None:
    """Return the healthy reference of a measure.

    Parameters
    ----------
    attribute : str
        Of :class:`~napari_spinalq.metrics.shape.SliceShapes`.
    contrast : Contrast
        Of the scan. The reference was measured on T2w; areas on other contrasts differ by up to 9 % in the same
        person.
    structure : str
        ``"cord"`` has a reference.
    sex : Sex, optional
        By default women and men together.

    Returns
    -------
    Reference, optional
        None where there is none; :func:`why_no_reference` says why.
    """
    if why_no_reference(attribute, contrast, structure):
        return None
    return _reference(attribute, sex)


def why_no_reference(attribute: str, contrast: Contrast, structure: str = "cord") -> str:
    """Say what there is no reference for; empty if there is one.

    Examples
    --------
    >>> why_no_reference("area_mm2", Contrast.T2STAR)
    'no reference for T2*'
    >>> why_no_reference("area_mm2", Contrast.T2W)
    ''
    """
    if structure != "cord":
        return "no reference for this structure"
    if contrast is not Contrast.T2W:
        return f"no reference for {contrast.label}"
    return "" if attribute in set(_table()["metric"]) else "no reference for this measure"


@cache
def _table() -> pd.DataFrame:
    with resources.files("napari_spinalq.norms").joinpath("cord_t2w.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


@cache
def _reference(attribute: str, sex: Sex | None) -> Reference:
    rows = _table().query("metric == @attribute")
    rows = rows if sex is None else rows[rows["sex"] == sex.value]
    groups = {level_number(str(name)): group for name, group in rows.groupby("level")}
    pooled = {level: _pooled(groups[level]) for level in sorted(groups)}
    return Reference(
        {level: norm for level, norm in pooled.items() if norm.people >= MIN_PEOPLE},
        sex,
        max(norm.people for norm in pooled.values()),
        int(rows["age_min"].min()),
        int(rows["age_max"].max()),
    )


def _pooled(groups: pd.DataFrame) -> LevelNorm:
    """Put groups of people together: the sum of squares about the common mean is that within plus that between."""
    n, mean, sd = (groups[name].to_numpy(dtype=float) for name in ("n", "mean", "sd"))
    people = n.sum()
    common = float((n * mean).sum() / people)
    squares = ((n - 1) * sd**2 + n * (mean - common) ** 2).sum()
    return LevelNorm(int(people), common, float(np.sqrt(squares / (people - 1))))
