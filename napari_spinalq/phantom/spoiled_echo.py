"""Spoiled gradient echoes with saturation by magnetisation transfer: the signal model of the MT protocol.

The pulse takes magnetisation at an even rate: over one repetition the share ``taken`` (in the sense of a rate, so that
exp(-taken) is left of what does not recover). Excitation and recovery then follow the Ernst equation (Ernst and
Anderson 1966, Rev Sci Instrum, doi:10.1063/1.1719961) with the faster recovery 1/T1 + taken/TR towards a smaller
magnetisation. That share is the MTsat of Helms et al. 2008, Magn Reson Med, doi:10.1002/mrm.21732.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from napari_spinalq.errors import InputError
from napari_spinalq.mt.parameters import Excitation

MOST_TAKEN = 1.0
"""Largest share of magnetisation that a pulse of the phantom may take in one repetition."""


def steady_signal(t1_s: float, excitation: Excitation, taken: float = 0.0) -> float:
    """Return the steady-state signal as a share of that of full magnetisation.

    Parameters
    ----------
    t1_s : float
        Longitudinal relaxation time, s.
    excitation : Excitation
        Flip angle and repetition time.
    taken : float
        Share of magnetisation taken in one repetition.

    Examples
    --------
    >>> round(steady_signal(1.0, Excitation(90, 1.0)), 4)
    0.6321
    """
    recovery, flip = excitation.repetition_s / t1_s, np.radians(excitation.flip_deg)
    left = np.exp(-(recovery + taken))
    return float(recovery / (recovery + taken) * np.sin(flip) * (1 - left) / (1 - left * np.cos(flip)))


def taken_for_ratio(mtr_percent: float, t1_s: float, excitation: Excitation) -> float:
    """Return the share of magnetisation that the pulse must take in one repetition to give a certain MTR.

    Raises
    ------
    InputError
        If no share up to ``MOST_TAKEN`` gives that ratio.
    """
    wanted = steady_signal(t1_s, excitation) * (1 - mtr_percent / 100)
    if not 0 <= mtr_percent < 100 or steady_signal(t1_s, excitation, MOST_TAKEN) > wanted:
        raise InputError(f"No MT pulse of the phantom gives an MTR of {mtr_percent:g} %; use 0 to 90 %.")
    return float(brentq(lambda taken: steady_signal(t1_s, excitation, taken) - wanted, 0.0, MOST_TAKEN, xtol=1e-12))
