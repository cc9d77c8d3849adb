"""Do the parts of an atlas lie where their names say? A swapped name is a number read in the wrong place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.tracts.maps import Tract
from napari_spinalq.tracts.parts import SIDES

HORNS_SWAPPED = "the atlas names its dorsal horns ventral and the other way round: they are read by where they lie"
"""Older PAM50 info files do."""


def centroid(share: NDArray[np.float32], right: NDArray, anterior: NDArray) -> tuple[float, float]:
    """Return the mean place of a part, to the right and to anterior; NaN for an empty one."""
    mass = float(share.sum(dtype=float))
    if mass == 0:
        return float("nan"), float("nan")
    return float((share * right).sum(dtype=float)) / mass, float((share * anterior).sum(dtype=float)) / mass


def placed_tracts(
    tracts: Sequence[Tract], centroids: Sequence[tuple[float, float]], what: str
) -> tuple[tuple[Tract, ...], tuple[str, ...]]:
    """Check names against places.

    Parameters
    ----------
    tracts : sequence of Tract
        As named.
    centroids : sequence of (right, anterior)
        Mean place of each tract, as far as they were read (the CSF may be missing).
    what : str
        What is checked, for messages.

    Returns
    -------
    tracts, flags
        With ventral and dorsal horns exchanged, and flagged, where the ventral ones lie behind the dorsal ones.

    Raises
    ------
    InputError
        If left parts lie to the right of their partners.
    """
    places = {tract.key: place for tract, place in zip(tracts, centroids, strict=False)}
    for key, place in places.items():
        partner = places.get(key.removesuffix("_left") + "_right")
        if key.endswith("_left") and partner is not None and place[0] > partner[0]:
            raise InputError(
                f"{what}: {key} lies to the patient's right of its partner, so left and right are exchanged in its "
                "names or its headers; mend them."
            )
    depths = [
        places[f"ventral_horn_{side}"][1] - places[f"dorsal_horn_{side}"][1]
        for side in SIDES
        if f"ventral_horn_{side}" in places and f"dorsal_horn_{side}" in places
    ]
    if not depths or max(depths) >= 0:
        return tuple(tracts), ()
    renamed = {f"{one}_{side}": f"{other}_{side}" for one, other in _HORNS for side in SIDES}
    by_key = {tract.key: tract for tract in tracts}
    return tuple(by_key[renamed.get(tract.key, tract.key)] for tract in tracts), (HORNS_SWAPPED,)


_HORNS = (("ventral_horn", "dorsal_horn"), ("dorsal_horn", "ventral_horn"))
