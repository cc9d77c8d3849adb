"""Calibrate the confidence of slices and the interval of their area, and check both on other draws.

Run ``python benchmarks/confidence.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``). Prints
the coefficients for ``napari_spinalq/cord/confidence.py``, fitted on the draws of one seed, beside the shipped ones;
and coverage, reliability and ranking of the shipped ones on the draws of another seed. The scans are the same in both,
so each real scan is also left out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from draws.cases import digital_cases, real_cases
from draws.perturbations import Case, drawn
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from napari_spinalq.cord import confidence as shipped
from napari_spinalq.cord import polar
from napari_spinalq.cord.ends import shows_cord, slices_with_cord
from napari_spinalq.cord.prepared import prepare
from napari_spinalq.cord.refine import Outlines, refine
from napari_spinalq.cord.segment import EDGE_OFFSET_PIXELS
from napari_spinalq.cord.stack import axial_stack
from napari_spinalq.errors import CordNotFoundError
from napari_spinalq.scan import Scan

FIT_SEED, CHECK_SEED = 1, 2
DRAWS_REAL, DRAWS_DIGITAL = 30, 12
HEAVY_TAILS = 4.0
"""Degrees of freedom of the t distribution that stands for the errors: a few are many times larger than the others."""

RUN_MM = 15.0
"""Areas are averaged over runs of this length, about one level, mm."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Slices of many draws: what the regressions read, the error of the logarithm of area, and Dice.

    ``draw`` numbers the draws, ``scan`` the scans, ``weight`` balances long and short ones, ``real`` marks real scans.
    """

    columns: NDArray[np.float64]
    error: NDArray[np.float64]
    dice: NDArray[np.float64]
    areas: NDArray[np.float64]
    draw: NDArray[np.int_]
    scan: NDArray[np.int_]
    weight: NDArray[np.float64]
    real: NDArray[np.bool_]
    slice_mm: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> Draws:
        """Return some of the slices."""
        return Draws(**{name: values[chosen] for name, values in vars(self).items()})


def main() -> None:
    """Print the fit and the check."""
    fit, check = collected(FIT_SEED), collected(CHECK_SEED)
    good, area, factor = fitted(fit)
    print(f"fitted on seed {FIT_SEED}:  GOOD_MODEL {good.round(2)}  AREA_MODEL {area.round(2)}  FACTOR {factor:.2f}")
    print(
        f"shipped:  GOOD_MODEL {shipped.GOOD_MODEL}  AREA_MODEL {shipped.AREA_MODEL}  FACTOR {shipped.INTERVAL_FACTOR}"
    )
    models = np.asarray(shipped.GOOD_MODEL), np.asarray(shipped.AREA_MODEL), shipped.INTERVAL_FACTOR
    _print_check(check, *models)
    _print_left_out(fit)


def collected(seed: int) -> Draws:
    """Return all slices of the draws of a seed."""
    parts = []
    cases = [(True, case) for _, case in real_cases()] + [(False, case) for _, case in digital_cases()]
    for number, (real, case) in enumerate(cases):
        for k in range(DRAWS_REAL if real else DRAWS_DIGITAL):
            part = _slices(drawn(case, np.random.default_rng([seed, number, k])), real, number, len(parts))
            if part is not None:
                parts.append(part)
    return Draws(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def outlined(case: Case) -> tuple[Outlines, NDArray[np.bool_]]:
    """Return the outlines of a case and the slices that are kept."""
    sight = prepare(Scan(case.values, case.grid)).sight()
    found = refine(axial_stack(case.values, case.grid), sight)
    slice_mm = case.grid.spacing[0]
    shown = shows_cord(sight, found.areas_mm2, slice_mm)
    return found, slices_with_cord(shown, found.areas_mm2, slice_mm)


def _slices(case: Case, real: bool, scan: int, draw: int) -> Draws | None:
    try:
        found, kept = outlined(case)
    except CordNotFoundError:
        return None
    pixels = case.grid.spacing[1:]
    offset_mm = EDGE_OFFSET_PIXELS * min(pixels) if real else 0.0  # phantoms know the physical edge
    soft = polar.coverage(
        case.grid.shape, case.grid.spacing, found.centres_mm, np.maximum(found.radii_mm - offset_mm, 0)
    )
    a, b = soft >= 0.5, case.reference >= 0.5
    slices = np.flatnonzero(kept & b.any(axis=(1, 2)))
    if not len(slices):
        return None
    overlap = 2 * (a & b).sum(axis=(1, 2)) / np.maximum(a.sum(axis=(1, 2)) + b.sum(axis=(1, 2)), 1)
    areas, truth = (part.sum(axis=(1, 2), dtype=float)[slices] * np.prod(pixels) for part in (soft, case.reference))
    columns = shipped.features(found, float(np.sqrt(np.prod(pixels))))[slices]
    n = len(slices)
    return Draws(
        columns,
        np.log(np.maximum(areas, 1.0) / truth),
        overlap[slices],
        np.column_stack([areas, truth]),
        np.full(n, draw),
        np.full(n, scan),
        np.full(n, n**-0.5),
        np.full(n, real),
        np.full(n, case.grid.spacing[0]),
    )


def fitted(draws: Draws) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the coefficients of both regressions and the factor that makes the interval one of 95 %."""
    x, weight = draws.columns, draws.weight / draws.weight.sum()
    good = draws.dice >= shipped.GOOD_DICE

    def odds_loss(b: NDArray[np.float64]) -> float:
        return float(weight @ (np.logaddexp(0, x @ b) - good * (x @ b)) + 1e-4 * b[1:] @ b[1:])

    def scale_loss(b: NDArray[np.float64]) -> float:
        surprise = np.log1p(draws.error**2 * np.exp(-2 * x @ b) / HEAVY_TAILS)
        return float(weight @ (x @ b + 0.5 * (HEAVY_TAILS + 1) * surprise) + 1e-3 * b[1:] @ b[1:])

    start = np.zeros(x.shape[1])
    odds = minimize(odds_loss, start, method="BFGS").x
    scale = minimize(scale_loss, np.r_[-3.0, start[1:]], method="BFGS").x
    return odds, scale, _quantile(np.abs(draws.error) / np.exp(x @ scale), weight, 0.95)


def _quantile(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weight[order]), share * weight.sum())])


def _print_check(draws: Draws, good: NDArray[np.float64], area: NDArray[np.float64], factor: float) -> None:
    inside = _inside(draws, area, factor)
    print(f"\n{'on seed ' + str(CHECK_SEED):26}{'slices':>8}{'coverage':>10}{'target':>8}{'median half width %':>21}")
    for name, chosen in (("all", draws.weight > 0), ("real", draws.real), ("digital", ~draws.real)):
        some = draws.only(chosen)
        width = 100 * np.expm1(factor * np.exp(some.columns @ area))
        share = np.average(inside[chosen], weights=some.weight)
        print(f"{name:26}{chosen.sum():8d}{share:10.3f}{0.95:8.2f}{np.median(width):21.1f}")
    covered = [_run_inside(draws.only(draws.draw == number), area, factor) for number in np.unique(draws.draw)]
    share = np.mean(np.concatenate(covered))
    print(f"{f'means over {RUN_MM:g} mm':26}{sum(map(len, covered)):8d}{share:10.3f}{0.95:8.2f}")
    score = draws.columns @ good
    probability, right = 1 / (1 + np.exp(-score)), draws.dice >= shipped.GOOD_DICE
    print(f"\n{'confidence':16}{'slices':>8}{'said':>8}{'right':>8}")
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 1.01)):
        chosen = (probability >= low) & (probability < high)
        if chosen.any():
            said, seen = (np.average(v[chosen], weights=draws.weight[chosen]) for v in (probability, right))
            print(f"{f'{low:g}-{min(high, 1):g}':16}{chosen.sum():8d}{said:8.2f}{seen:8.2f}")
    print(f"area under the ROC curve of confidence for a good slice: {_auc(score, right):.3f}")


def _inside(draws: Draws, area: NDArray[np.float64], factor: float) -> NDArray[np.bool_]:
    return np.abs(draws.error) <= factor * np.exp(draws.columns @ area)


def _run_inside(draws: Draws, area: NDArray[np.float64], factor: float) -> NDArray[np.bool_]:
    """Tell of each run of slices whether its mean true area lies in the mean interval of its slices."""
    width = np.expm1(factor * np.exp(draws.columns @ area)) * draws.areas[:, 0]
    count = max(1, round(RUN_MM / draws.slice_mm[0]))
    means = [
        np.add.reduceat(values, np.arange(0, len(values), count))
        for values in (draws.areas[:, 0], draws.areas[:, 1], width)
    ]
    return np.abs(means[0] - means[1]) <= means[2]


def _auc(score: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    ranks, count = rankdata(score), int(right.sum())
    return float((ranks[right].sum() - count * (count + 1) / 2) / (count * (len(right) - count)))


def _print_left_out(draws: Draws) -> None:
    print("\nfitted without a real scan, coverage on that scan (target 0.95):")
    for number, (name, _) in enumerate(real_cases()):
        _, area, factor = fitted(draws.only(draws.scan != number))
        left_out = draws.only(draws.scan == number)
        print(f"  {name:26}{np.average(_inside(left_out, area, factor), weights=left_out.weight):6.3f}")


if __name__ == "__main__":
    main()
