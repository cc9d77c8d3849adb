"""Whether a tensor can be fitted to a scheme, and what a reader must know about scheme and fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.tensor_noise import TENSOR_PARAMETERS
from napari_spinalq.errors import InputError
from napari_spinalq.gradients import (
    POOR_CONDITION,
    GradientTable,
    direction_condition,
    refuse_unless_tensor,
    weakest_element,
)

TENSOR_B = 1500.0
"""Largest b-value (s/mm2) at which the tensor is fitted without a word. It assumes that the signal decays as one
exponential and stays above the noise floor, which holds at about 1000 and no longer at much higher values (Jones and
Basser 2004, Magn Reson Med, doi:10.1002/mrm.20283)."""

PLAUSIBLE_MD = (0.3, 2.0)
"""Mean MD of a cord, 1e-3 mm2/s: healthy cervical cords have 0.8 to 1.1 (Labounek et al. 2025, Imaging Neuroscience,
doi:10.1162/imag_a_00559); free water at 37 degrees Celsius has 3."""

MANY_NEGATIVE = 0.05
"""Share of voxels with a negative eigenvalue from which it is said."""


def within_max_b(gradients: GradientTable, max_b: float | None) -> tuple[NDArray[np.bool_], GradientTable]:
    """Return which volumes lie within a largest b-value (all for None), shape (n,), and their scheme."""
    chosen = np.ones(len(gradients), dtype=bool) if max_b is None else gradients.b_values <= max_b
    if not (chosen & ~gradients.unweighted).any():
        raise InputError(f"No weighted volume has a b-value of {max_b:g} s/mm2 or less; give a larger limit.")
    return chosen, gradients.subset(chosen)


def refuse_unless_fits(gradients: GradientTable, *, needs_redundancy: bool, method: str) -> None:
    """Check that a tensor can be fitted, and that outliers can be told where a method looks for them.

    Raises
    ------
    InputError
        If not; the message says why.
    """
    refuse_unless_tensor(gradients)
    if needs_redundancy and len(gradients) <= TENSOR_PARAMETERS:
        raise InputError(
            f"The method {method} tells outliers only among more volumes than a tensor needs ({TENSOR_PARAMETERS}); "
            f"this series has {len(gradients)}; use wls."
        )


def flags_of_scheme(gradients: GradientTable, used: GradientTable) -> tuple[str, ...]:
    """Say what a reader must know about a scheme, and the part of it that was used."""
    flags = []
    shells = used.shells()
    if shells[-1].b_value > TENSOR_B:
        named = ", ".join(f"{shell.b_value:.0f}" for shell in shells)
        flags.append(
            f"b-values up to {shells[-1].b_value:.0f} s/mm2 (shells: {named}): the tensor is meant for b up to about "
            f"{TENSOR_B:.0f}; a limit on b leaves the others out"
        )
    if len(used) < len(gradients):
        flags.append(f"{len(gradients) - len(used)} volumes with b above the limit were left out of the tensor")
    distinct = used.distinct_directions()
    condition = direction_condition(distinct)
    if condition > POOR_CONDITION:
        flags.append(
            f"the {len(distinct)} diffusion directions hardly tell the {weakest_element(distinct)} element of the "
            f"tensor (condition number {condition:.0f}, at best 1.6): FA, MD and directions are unreliable"
        )
    if len(used) <= TENSOR_PARAMETERS:
        flags.append(
            f"{len(used)} volumes are just enough for a tensor: the residual cannot show errors, and noise raises FA"
        )
    return tuple(flags)


def flags_of_cord(md: NDArray[np.floating], linear_md: NDArray[np.floating], cord: NDArray) -> tuple[str, ...]:
    """Say whether the diffusivity of a cord is physical.

    Parameters
    ----------
    md, linear_md : array
        Mean diffusivity of each voxel as reported, and before negative eigenvalues were set to zero, 1e-3 mm2/s; NaN
        where it is not known.
    cord : array, same shape
        The cord, without the margin of CSF that a fit may have; voxels of at least half count.
    """
    inside = (np.asarray(cord) >= 0.5) & np.isfinite(md)
    if not inside.any():
        return ("MD is not known anywhere in the cord",)
    mean, linear = float(md[inside].mean()), float(linear_md[inside].mean())
    low, high = PLAUSIBLE_MD
    if low <= mean <= high:
        return ()
    said = f"MD of the cord is not physical: {mean:.2f} x 1e-3 mm2/s on average, outside {low:g} to {high:g}"
    if low <= linear <= high:
        return (
            f"{said}; it is {linear:.2f} before negative eigenvalues are set to zero, so noise or the scheme is why",
        )
    return (f"{said}; check the b-values, and whether all volumes are on one intensity scale",)


def flags_of_fit(n_voxels: int, negative: int) -> tuple[str, ...]:
    """Say how many voxels had a negative eigenvalue, where they are many."""
    if negative <= MANY_NEGATIVE * n_voxels:
        return ()
    return (
        f"{100 * negative / n_voxels:.0f} % of voxels had a negative eigenvalue, set to zero: noise, motion or a wrong "
        "gradient table",
    )
