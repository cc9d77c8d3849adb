"""Motion as tables, and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.registration.slicewise.stack import SEARCH_MM

SHORT = {"anterior": "ap", "right": "rl", "superior": "si"}
"""Direction of a shift -> how columns are called: ``shift_ap_mm`` grows to anterior, ``shift_rl_mm`` to right,
``shift_si_mm`` to superior."""


def motion_table(motion: Motion) -> pd.DataFrame:
    """Return one row for each slice of each volume.

    Returns
    -------
    DataFrame
        ``volume`` and ``slice`` (from 0; slices from inferior, or from left in sagittal ones), ``group``, the two
        shifts (``shift_ap_mm`` and ``shift_rl_mm`` in axial slices; mm), ``angle_deg``, and as far as they are known
        ``uncertainty_ap_mm`` and ``uncertainty_rl_mm``, ``dropout``.
    """
    volumes, slices = motion.shifts_mm.shape[:2]
    columns: dict[str, Any] = {
        "volume": np.repeat(np.arange(volumes), slices),
        "slice": np.tile(np.arange(slices), volumes),
        "group": np.repeat(motion.group, slices),
    }
    for axis, direction in enumerate(motion.axes):
        columns[f"shift_{SHORT[direction]}_mm"] = motion.shifts_mm[..., axis].ravel()
    columns["angle_deg"] = motion.angles_deg.ravel()
    if motion.uncertainty_mm is not None:
        for axis, direction in enumerate(motion.axes):
            columns[f"uncertainty_{SHORT[direction]}_mm"] = motion.uncertainty_mm[..., axis].ravel()
    if motion.dropouts is not None:
        columns["dropout"] = motion.dropouts.ravel()
    return pd.DataFrame(columns)


def volume_table(motion: Motion) -> pd.DataFrame:
    """Return one row for each volume: ``volume displacement_mm outlier reason``, then ``left_out outside_voxels``."""
    volumes = len(motion.displacement_mm)
    columns: dict[str, Any] = {
        "volume": np.arange(volumes),
        "displacement_mm": motion.displacement_mm,
        "outlier": motion.outliers,
        "reason": list(motion.reasons) or [""] * volumes,
        "left_out": np.isin(np.arange(volumes), motion.left_out),
    }
    if motion.outside_voxels is not None:
        columns["outside_voxels"] = motion.outside_voxels
    return pd.DataFrame(columns)


def motion_flags(motion: Motion) -> tuple[str, ...]:
    """Return what a reader must know about the motion of a series: which volumes stand out, and why."""
    flags = []
    volumes = np.flatnonzero(motion.outliers).tolist()
    if volumes:
        fate = "left out" if motion.left_out else "kept"
        named = ", ".join(named_volume(motion, volume) for volume in volumes)
        flags.append(f"volumes that stand out (counted from 0), {fate}: {named}")
    largest = float(np.abs(motion.shifts_mm).max())
    if largest > SEARCH_MM:
        flags.append(f"the cord moved by {largest:.1f} mm, more than is searched for: look at the corrected series")
    return tuple(flags)


def named_volume(motion: Motion, volume: int) -> str:
    """Return the number of a volume, from 0, with the reason why it stands out as far as it is known."""
    reason = motion.reasons[volume] if motion.reasons else ""
    return f"{volume} ({reason})" if reason else str(volume)
