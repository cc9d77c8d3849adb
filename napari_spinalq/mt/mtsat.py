"""Magnetisation transfer saturation (MTsat) and T1 from three spoiled gradient echoes.

A spoiled gradient echo follows the Ernst equation, which with tau = 2 tan(flip / 2) reads, to one part in ten thousand
at repetition times of MT protocols (Dathe and Helms 2010, Phys Med Biol, doi:10.1088/0031-9155/55/15/003)::

    S = A tau r / (r + tau^2 / 2 + delta),    r = TR / T1

with the signal A of full magnetisation and the share delta of magnetisation that the MT pulse takes in each repetition.
Two images without the pulse give T1 and A, that with it gives delta: MTsat (Helms et al. 2008, Magn Reson Med,
doi:10.1002/mrm.21732, with the erratum of 2010, doi:10.1002/mrm.22607). Helms et al. write the flip angle itself for
tau: at 9 and 15 degrees this moves T1 by +0.7 to +0.8 % and MTsat by -0.7 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.mt.mtr import signal_floor
from napari_spinalq.mt.parameters import Excitation, MtParameters

LONGEST_T1_S = 6.0
"""No tissue or fluid of the body relaxes more slowly, s (fluid: about 4): beyond it noise has the word."""

B1_FACTOR = 0.4
"""How MTsat that is left uncorrected grows with the relative transmit field (Weiskopf et al. 2013, Front Neurosci,
doi:10.3389/fnins.2013.00095; found in the brain at 3 T)."""

PERCENT_UNITS = 100.0
"""MTsat is given in percent units (p.u.): 100 times the share of magnetisation taken."""


@dataclass(frozen=True, eq=False)
class MtSaturation:
    """Maps of an MTsat protocol, NaN where they cannot be known.

    Attributes
    ----------
    mtsat : array of float32
        Magnetisation taken by the pulse in each repetition, percent units (p.u.).
    t1_s : array of float32
        Longitudinal relaxation time, s; apparent where no map of the transmit field was given.
    amplitude : array of float32
        Signal of full magnetisation, in units of the images.
    """

    mtsat: NDArray[np.float32]
    t1_s: NDArray[np.float32]
    amplitude: NDArray[np.float32]


def mtsat(
    on: NDArray,
    off: NDArray,
    t1w: NDArray,
    parameters: MtParameters,
    *,
    mask: NDArray | None = None,
    floor: float | None = None,
    relative_b1: NDArray | None = None,
) -> MtSaturation:
    """Return MTsat, T1 and the signal of full magnetisation.

    Parameters
    ----------
    on, off, t1w : arrays of one shape
        Signal with the MT pulse, without it, and T1-weighted; one scale (same receiver gain), the cord in one place.
    parameters : MtParameters
        Flip angles and repetition times.
    mask : array, optional
        Cord, above 0.5: used to find the floor.
    floor : float, optional
        Signal without the pulse that counts as none; by default as in :func:`~napari_spinalq.mt.mtr.mtr`.
    relative_b1 : array, optional
        Transmit field over the nominal one (1 = nominal). With it T1 is found from the true flip angles and MTsat is
        multiplied by (1 - 0.4) / (1 - 0.4 B1) (``B1_FACTOR``). Without it T1 comes out B1^2 times too long; in MTsat
        the power of the pulse and the error of T1 cancel but for what that factor stands for.

    Raises
    ------
    InputError
        If shapes differ, or the field map is not relative to the nominal field.
    """
    shapes = {np.shape(image) for image in (on, off, t1w)}
    if len(shapes) > 1:
        raise InputError(f"The images of the MT protocol have different shapes ({sorted(shapes)}); align them first.")
    field = np.ones(on.shape) if relative_b1 is None else _checked_field(relative_b1, on.shape)
    with_pulse, without, weighted = (np.asarray(image, dtype=np.float64) for image in (on, off, t1w))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t1_s, amplitude = _relaxation(without, weighted, parameters, field)
        nominal_t1, nominal_amplitude = _relaxation(without, weighted, parameters, np.ones(on.shape))
        taken = _saturation(with_pulse, nominal_amplitude, nominal_t1, parameters.on)
        taken = taken * (1 - B1_FACTOR) / (1 - B1_FACTOR * field)
    low = signal_floor(without, mask) if floor is None else max(floor, 0.0)
    known = (without > low) & (with_pulse > 0) & _possible(t1_s) & _possible(nominal_t1)
    return MtSaturation(*(_known(values, known) for values in (PERCENT_UNITS * taken, t1_s, amplitude)))


def _relaxation(
    off: NDArray[np.float64], t1w: NDArray[np.float64], parameters: MtParameters, field: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return T1 (s) and the signal of full magnetisation.

    Both images lie on the line S / tau = A - T1 S tau / (2 TR), whose slope and offset two points give.
    """
    first, second = parameters.off, parameters.t1w
    tau_first, tau_second = _tau(first, field), _tau(second, field)
    x_first, x_second = off * tau_first / (2 * first.repetition_s), t1w * tau_second / (2 * second.repetition_s)
    t1_s = (off / tau_first - t1w / tau_second) / (x_second - x_first)
    return t1_s, off / tau_first + t1_s * x_first


def _saturation(
    on: NDArray[np.float64], amplitude: NDArray[np.float64], t1_s: NDArray[np.float64], excitation: Excitation
) -> NDArray[np.float64]:
    """Return the share of magnetisation that the pulse takes in each repetition."""
    tau = _tau(excitation, 1.0)
    return (amplitude * tau / on - 1) * excitation.repetition_s / t1_s - tau**2 / 2


def _tau(excitation: Excitation, field: ArrayLike) -> NDArray[np.float64]:
    return 2 * np.tan(np.radians(excitation.flip_deg) * np.asarray(field, dtype=np.float64) / 2)


def _possible(t1_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (t1_s > 0) & (t1_s <= LONGEST_T1_S)


def _known(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.where(known & np.isfinite(values), values, np.nan).astype(np.float32)


def _checked_field(relative_b1: NDArray, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the transmit field; 0.2 to 2 of the nominal one holds at every scanner, percent lie far outside."""
    field = np.asarray(relative_b1, dtype=np.float64)
    if field.shape != shape:
        raise InputError(f"The B1 map has the shape {field.shape}, the MT images {shape}; resample it to them.")
    middle = float(np.median(field[field > 0])) if (field > 0).any() else 0.0
    if not 0.2 <= middle <= 2.0:
        raise InputError(f"The B1 map has a median of {middle:.3g}; give it relative to the nominal field (about 1).")
    return np.where(field > 0, field, np.nan)
