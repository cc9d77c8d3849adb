"""Tissues of the phantom and what each gives in each contrast.

Signals are on an arbitrary scale, chosen so that the order of tissues is that of real cervical protocols at 3 T.
MTR and diffusion figures of white matter are means of healthy adults (Cohen-Adad et al. 2021, Sci Data,
doi:10.1038/s41597-021-00941-8; Labounek et al. 2025, Imaging Neuroscience, doi:10.1162/imag_a_00559). FA and MTR of
grey matter are set below the published means, which hold partial volume of white matter. T1 of white matter, lateral
and dorsal columns and grey matter is that of inversion recovery at 3 T (Smith et al. 2008, Magn Reson Med,
doi:10.1002/mrm.21596); with the MTR above it gives MTsat of 4.6 p.u. in white and 3.5 in grey matter, where the first
study found 4.1 (SD 1.0) and 3.6 (0.9). Other tissues are choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Tissue(IntEnum):
    """Every tissue; those from ``GREY_MATTER`` on make up the cord. Left and right are the patient's."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    MARROW = 4
    CORTICAL_BONE = 5
    DISC_NUCLEUS = 6
    DISC_ANNULUS = 7
    LIGAMENT = 8
    CSF = 9
    VESSEL = 10
    MUCOSA = 11
    BRAINSTEM = 12
    CEREBELLUM = 13
    NERVE_ROOT = 14
    GREY_MATTER = 15
    WHITE_MATTER = 16
    LATERAL_CST_LEFT = 17
    LATERAL_CST_RIGHT = 18
    VENTRAL_CST_LEFT = 19
    VENTRAL_CST_RIGHT = 20
    DORSAL_COLUMN_LEFT = 21
    DORSAL_COLUMN_RIGHT = 22


N_TISSUES = len(Tissue)
CORD_TISSUES = tuple(tissue for tissue in Tissue if tissue >= Tissue.GREY_MATTER)
WHITE_TISSUES = tuple(tissue for tissue in Tissue if tissue >= Tissue.WHITE_MATTER)

TRACT_NAMES: dict[str, Tissue] = {tissue.name.lower(): tissue for tissue in CORD_TISSUES}
"""Names under which tract changes are given, such as ``lateral_cst_left``."""


@dataclass(frozen=True)
class TissueSignal:
    """Signal of one tissue: T2w, T2*, PSIR (signed), MT off, MTR in percent, diffusion b0, FA, MD (1e-3 mm2/s), T1 (s).

    MTsat follows from MTR and T1, and the T1-weighted signal of the MT protocol from MT off and T1:
    :mod:`~napari_spinalq.phantom.spoiled_echo`.
    """

    t2w: float
    t2star: float
    psir: float
    mt_off: float
    mtr_percent: float
    b0: float
    fa: float
    md: float
    t1_s: float
    texture: float = 0.0


SIGNALS: dict[Tissue, TissueSignal] = {
    Tissue.AIR: TissueSignal(0, 0, 0, 0, 0, 0, 0.0, 1.0, 1.0),
    Tissue.SKIN: TissueSignal(95, 120, 120, 130, 25, 10, 0.0, 1.2, 0.9),
    Tissue.FAT: TissueSignal(255, 150, 330, 210, 2, 4, 0.0, 0.2, 0.37, 0.10),
    Tissue.MUSCLE: TissueSignal(52, 190, 60, 210, 42, 45, 0.0, 1.5, 1.41, 0.16),
    Tissue.MARROW: TissueSignal(104, 55, 130, 95, 12, 10, 0.0, 0.4, 0.55, 0.10),
    Tissue.CORTICAL_BONE: TissueSignal(14, 12, 5, 14, 5, 2, 0.0, 0.5, 0.25),
    Tissue.DISC_NUCLEUS: TissueSignal(165, 250, 40, 190, 30, 40, 0.0, 1.6, 1.3, 0.06),
    Tissue.DISC_ANNULUS: TissueSignal(62, 130, 30, 105, 35, 15, 0.0, 1.2, 1.0, 0.06),
    Tissue.LIGAMENT: TissueSignal(20, 30, 10, 40, 30, 4, 0.0, 0.8, 0.7),
    Tissue.CSF: TissueSignal(460, 345, -240, 330, 4, 620, 0.0, 3.0, 4.0),
    Tissue.VESSEL: TissueSignal(12, 380, 150, 300, 20, 8, 0.0, 3.0, 1.93),
    Tissue.MUCOSA: TissueSignal(190, 210, 80, 220, 20, 60, 0.0, 1.6, 1.2, 0.12),
    Tissue.BRAINSTEM: TissueSignal(168, 205, 175, 235, 45, 250, 0.55, 0.85, 1.0),
    Tissue.CEREBELLUM: TissueSignal(195, 225, 90, 240, 40, 280, 0.20, 0.80, 1.3, 0.16),
    Tissue.NERVE_ROOT: TissueSignal(175, 215, 120, 215, 40, 120, 0.0, 1.3, 1.08),
    Tissue.GREY_MATTER: TissueSignal(178, 245, 55, 250, 42.0, 300, 0.45, 0.86, 0.973),
    Tissue.WHITE_MATTER: TissueSignal(160, 195, 170, 225, 47.0, 270, 0.69, 0.96, 0.876),
    Tissue.LATERAL_CST_LEFT: TissueSignal(160, 195, 170, 225, 47.2, 270, 0.71, 0.92, 0.863),
    Tissue.LATERAL_CST_RIGHT: TissueSignal(160, 195, 170, 225, 47.2, 270, 0.71, 0.92, 0.863),
    Tissue.VENTRAL_CST_LEFT: TissueSignal(160, 195, 170, 225, 47.2, 270, 0.71, 0.92, 0.863),
    Tissue.VENTRAL_CST_RIGHT: TissueSignal(160, 195, 170, 225, 47.2, 270, 0.71, 0.92, 0.863),
    Tissue.DORSAL_COLUMN_LEFT: TissueSignal(160, 200, 165, 225, 47.3, 270, 0.72, 0.99, 0.899),
    Tissue.DORSAL_COLUMN_RIGHT: TissueSignal(160, 200, 165, 225, 47.3, 270, 0.72, 0.99, 0.899),
}
"""Healthy signals. ``texture`` is the relative swing of the smooth pattern outside the cord; the cord has none, so that
its values are known exactly."""


def signal_row(name: str, signals: dict[Tissue, TissueSignal] = SIGNALS) -> NDArray[np.float64]:
    """Return one signal figure of all tissues, shape (N_TISSUES,), indexed by tissue."""
    return np.array([getattr(signals[tissue], name) for tissue in Tissue], dtype=float)


def membership(tissues: tuple[Tissue, ...]) -> NDArray[np.float64]:
    """Return 1 for the given tissues and 0 for others, shape (N_TISSUES,)."""
    return np.isin(np.arange(N_TISSUES), tissues).astype(float)
