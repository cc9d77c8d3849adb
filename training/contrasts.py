"""What each tissue gives in each contrast, and how far a scanner may stray from it.

The order of tissues follows the digital phantom; a share of all images draws every tissue at random, so that no order
is ever relied on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.phantom.tissue import SIGNALS, Tissue

N_PHANTOM = int(Tissue.GREY_MATTER)
"""Tissues of the phantom outside the cord are numbered below this."""

GREY, WHITE, LESION, ROOT = 15, 16, 17, 18
"""Table rows of the tissues that are drawn from shapes."""

FIRST_RANDOM, N_RANDOM = 20, 5
"""Rows of regions that stand for no tissue in particular."""

N_ROWS = FIRST_RANDOM + N_RANDOM

T1W = {
    Tissue.AIR: 0, Tissue.SKIN: 160, Tissue.FAT: 330, Tissue.MUSCLE: 130, Tissue.MARROW: 200, Tissue.CORTICAL_BONE: 15,
    Tissue.DISC_NUCLEUS: 110, Tissue.DISC_ANNULUS: 90, Tissue.LIGAMENT: 40, Tissue.CSF: 60, Tissue.VESSEL: 110,
    Tissue.MUCOSA: 140, Tissue.BRAINSTEM: 215, Tissue.CEREBELLUM: 180, Tissue.NERVE_ROOT: 170,
    Tissue.GREY_MATTER: 178, Tissue.WHITE_MATTER: 195,
}  # fmt: skip
"""T1w signals (the phantom has none): fat brightest, white matter above grey, CSF dark."""

AMIRA = {**T1W, Tissue.FAT: 120, Tissue.GREY_MATTER: 250, Tissue.WHITE_MATTER: 150, Tissue.CSF: 55, Tissue.MUSCLE: 80}
"""Averaged inversion recoveries in which grey matter is bright, white matter grey and CSF dark."""

DIFFUSION_WEIGHTING = 0.8
"""b value of a diffusion-weighted image in 1e-3 s/mm2."""

CONTRASTS = ("t1w", "t2w", "t2star", "psir", "mt_off", "mt_on", "b0", "dwi", "amira")


CONTRAST_SHARES = (0.13, 0.13, 0.23, 0.10, 0.08, 0.09, 0.06, 0.07, 0.11)
"""How often each contrast is drawn: most where grey matter is seen and measured."""


def base_table() -> NDArray[np.float32]:
    """Return the prior signal of each contrast and row, shape (n_contrasts, N_ROWS), scaled to white matter 1."""
    table = np.zeros((len(CONTRASTS), N_ROWS), dtype=np.float32)
    for index, name in enumerate(CONTRASTS):
        for tissue in list(Tissue)[: WHITE + 1]:
            table[index, tissue] = _signal(name, tissue)
        table[index, ROOT] = table[index, Tissue.NERVE_ROOT]
        table[index, LESION] = table[index, WHITE]
        table[index] /= table[index, WHITE]
    return table


def _signal(name: str, tissue: Tissue) -> float:
    row = SIGNALS[tissue]
    if name in ("t1w", "amira"):
        return float((T1W if name == "t1w" else AMIRA)[tissue])
    if name == "mt_on":
        return row.mt_off * (1 - row.mtr_percent / 100)
    if name == "dwi":
        return row.b0 * float(np.exp(-DIFFUSION_WEIGHTING * row.md))
    return float(getattr(row, name))


RANDOM_SHARE = 0.30
"""Share of images in which every tissue is drawn at random."""

SPREAD, CSF_SPREAD = 0.22, 0.35
"""Standard deviation of the logarithm of a tissue's factor around its prior; that of CSF (pulsation, timing)."""

MIN_GREY_CONTRAST = 0.02
"""Below this relative difference from white matter grey matter cannot be seen."""

ISOINTENSE_SHARE = 0.06
"""Share of images whose CSF is as bright as white matter to 7 %: MT off, some T1w and proton density."""


def draw_signals(rng: np.random.Generator, count: int, table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw the signals of all rows for some images, shape (count, N_ROWS).

    Parameters
    ----------
    rng : Generator
        Source of chance.
    count : int
        Number of images.
    table : array
        From :func:`base_table`.
    """
    kind = rng.choice(len(table), size=count, p=CONTRAST_SHARES)
    signals = table[kind] * np.exp(rng.normal(0, SPREAD, (count, N_ROWS)))
    signals[:, Tissue.CSF] *= np.exp(rng.normal(0, CSF_SPREAD, count))
    at_random = rng.random(count) < RANDOM_SHARE
    signals[at_random] = rng.uniform(0.0, 2.2, (int(at_random.sum()), N_ROWS))
    alike = rng.random(count) < ISOINTENSE_SHARE
    signals[alike, Tissue.CSF] = signals[alike, WHITE] * rng.uniform(0.93, 1.07, alike.sum())
    signals[:, FIRST_RANDOM:] = _regions(rng, signals)
    grey = table[kind, GREY] * np.exp(rng.normal(0, 0.07, count))
    grey[at_random] = 1 + rng.choice([-1, 1], at_random.sum()) * rng.uniform(0.0, 0.6, at_random.sum())
    signals[:, GREY] = signals[:, WHITE] * grey
    flat = rng.random(count) < 0.1
    signals[flat, GREY] = signals[flat, WHITE] * (1 + rng.uniform(-1, 1, flat.sum()) * MIN_GREY_CONTRAST)
    signals[:, LESION] = signals[:, WHITE] * rng.uniform(0.3, 2.2, count)
    saturated = rng.random(count) < 0.3
    signals[saturated, LESION] = signals[saturated, Tissue.CSF] * rng.uniform(0.85, 1.15, saturated.sum())
    return signals.astype(np.float32)


def _regions(rng: np.random.Generator, signals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Regions without a name look like one of the tissues of the same image."""
    donors = rng.integers(1, N_PHANTOM, (len(signals), N_RANDOM))
    return np.take_along_axis(signals, donors, axis=1) * np.exp(rng.normal(0, 0.15, donors.shape))
