"""The properties given to each tract of a digital person, as a table."""

from __future__ import annotations

import pandas as pd

from napari_spinalq.phantom.design import ExamDesign
from napari_spinalq.phantom.diffusion import principal_diffusivities
from napari_spinalq.phantom.make import changed_signals
from napari_spinalq.phantom.sidecars import excitation
from napari_spinalq.phantom.spoiled_echo import taken_for_ratio
from napari_spinalq.phantom.tissue import TRACT_NAMES, TissueSignal


def tract_truth(design: ExamDesign) -> pd.DataFrame:
    """Return one row a tract (names as in ``TRACT_NAMES``): what perfect maps would show in it.

    Returns
    -------
    DataFrame
        ``tract``, ``fa``, ``md_1e-3mm2_s``, ``ad_1e-3mm2_s``, ``rd_1e-3mm2_s``, ``mtr_percent``, ``mtsat_pu``
        (percent units, of the pulse of the phantom's protocol), ``t1_s``, ``t2w_signal``.
    """
    signals = changed_signals(design)
    return pd.DataFrame([{"tract": tract, **_properties(signals[tissue])} for tract, tissue in TRACT_NAMES.items()])


def _properties(signal: TissueSignal) -> dict[str, float]:
    along, across = principal_diffusivities(signal.fa, signal.md)
    taken = taken_for_ratio(signal.mtr_percent, signal.t1_s, excitation("mt_on"))
    return {
        "fa": float(signal.fa),
        "md_1e-3mm2_s": float(signal.md),
        "ad_1e-3mm2_s": float(along),
        "rd_1e-3mm2_s": float(across),
        "mtr_percent": float(signal.mtr_percent),
        "mtsat_pu": 100 * taken,
        "t1_s": float(signal.t1_s),
        "t2w_signal": float(signal.t2w),
    }
