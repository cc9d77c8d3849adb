"""Signals of more contrasts than the exam holds, on the phantom's own tissues: what other protocols show.

The exam's tables (:mod:`~napari_spinalq.phantom.tissue`) are left as they are. Those below are choices on an arbitrary
scale; the order of tissues is that of real scans: T1w (3 T, inversion prepared), T2* at 7 T, the two ends of an
averaged magnetisation inversion recovery acquisition (AMIRA; Weigel and Bieri 2018, Magn Reson Med,
doi:10.1002/mrm.26870), and a proton-density-like scan whose fluid is as bright as the cord.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.phantom import diffusion
from napari_spinalq.phantom.tissue import N_TISSUES, WHITE_TISSUES, Tissue, signal_row

_TABLE = """
tissue         t1w  t2star_7t  amira_white_null  amira_fluid_null  isointense
AIR              0          0                 0                 0           0
SKIN           150        100                90               110         120
FAT            310         90                60               260         190
MUSCLE         130        170                95               140         135
MARROW         175         35                60               120         110
CORTICAL_BONE   15          8                10                12          15
DISC_NUCLEUS    95        230               150               120         190
DISC_ANNULUS    80        110                80                80         110
LIGAMENT        30         25                25                30          35
CSF             60        330               270                20         202
VESSEL          90        360               200               120          60
MUCOSA         150        190               140               150         170
BRAINSTEM      205        205                75               185         205
CEREBELLUM     180        235               120               195         215
NERVE_ROOT     165        215               110               170         205
GREY_MATTER    172        265               135               215         222
WHITE_MATTER   200        190                62               185         200
"""


def _parse(table: str) -> dict[str, NDArray[np.float64]]:
    """Return one row of signals of all tissues for each contrast; tracts have the signal of white matter."""
    names, *lines = (line.split() for line in table.strip().splitlines())
    rows = {name: np.zeros(N_TISSUES) for name in names[1:]}
    for tissue, *values in lines:
        places = WHITE_TISSUES if tissue == "WHITE_MATTER" else (Tissue[tissue],)
        for name, value in zip(rows, values, strict=True):
            rows[name][list(places)] = float(value)
    return rows


MORE_SIGNALS = _parse(_TABLE)
"""Signal of each tissue, shape (N_TISSUES,), by contrast."""

CONTRASTS = ("t1w", "t2w", "t2star", "t2star_7t", "psir", "mt_on", "mt_off", "b0", "mean_dwi", *list(MORE_SIGNALS)[2:])
"""Every contrast that :func:`contrast_signals` knows."""


def contrast_signals(name: str) -> NDArray[np.float64]:
    """Return the signal of each tissue in a contrast, shape (N_TISSUES,).

    MT on is MT off less the MTR; ``mean_dwi`` is the mean over the weighted volumes of the exam's diffusion scheme,
    fibres along the cord.

    Examples
    --------
    >>> bool(contrast_signals("t1w")[Tissue.CSF] < contrast_signals("t1w")[Tissue.WHITE_MATTER])
    True
    """
    if name in MORE_SIGNALS:
        return MORE_SIGNALS[name]
    if name == "mt_on":
        return signal_row("mt_off") * (1 - signal_row("mtr_percent") / 100)
    return _mean_diffusion() if name == "mean_dwi" else signal_row(name)


def _mean_diffusion() -> NDArray[np.float64]:
    scheme = diffusion.default_scheme()
    fibres = np.tile([0.0, 0.0, 1.0], (N_TISSUES, 1))
    b0, fa, md = (signal_row(name) for name in ("b0", "fa", "md"))
    volumes = diffusion.tensor_signals(np.eye(N_TISSUES), fibres, b0, fa, md, scheme)
    return volumes[:, scheme.b_values > 0].mean(axis=1)
