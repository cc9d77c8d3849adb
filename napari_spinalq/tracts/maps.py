"""Tracts as soft maps on the grid of a scan: what every atlas gives and what values are extracted with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Side(StrEnum):
    """The patient's side on which a tract lies."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class TractTissue(StrEnum):
    """What a part of an atlas is made of."""

    WM = "wm"
    GM = "gm"
    CSF = "csf"


@dataclass(frozen=True)
class Tract:
    """One part of an atlas.

    Attributes
    ----------
    key : str
        In tables, such as ``"lateral_cst_left"``.
    title : str
        As people read it, such as ``"Lateral CST, left"``.
    side : Side
        The patient's side.
    tissue : TractTissue
        White matter, grey matter or CSF.
    """

    key: str
    title: str
    side: Side
    tissue: TractTissue


@dataclass(frozen=True)
class TractGroup:
    """Parts that are read as one, such as the dorsal columns of both sides.

    Attributes
    ----------
    key, title : str
        In tables, and as people read it.
    side : Side
        The patient's side.
    members : tuple of str
        Keys of its tracts.
    """

    key: str
    title: str
    side: Side
    members: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TractMaps:
    """Share of every voxel that belongs to each part of an atlas.

    Attributes
    ----------
    tracts : tuple of Tract
        Disjoint parts: those of the cord, and the CSF around it as the last.
    groups : tuple of TractGroup
        What is read as one: sides together, dorsal columns, lateral and ventral funiculi, white and grey matter.
    fractions : (n_tracts, *grid.shape) array of float32
        0..1 on the grid of a scan, in the axis order of its file; over all parts at most 1 in a voxel.
    atlas : str
        ``"builtin"``, or the name of the folder it came from.
    flags : tuple of str
        What a reader must know of the fit, such as slices without a level.
    """

    tracts: tuple[Tract, ...]
    groups: tuple[TractGroup, ...]
    fractions: NDArray[np.float32]
    atlas: str
    flags: tuple[str, ...] = ()

    def index(self, key: str) -> tuple[int, ...]:
        """Return the rows of ``fractions`` that make up a tract or a group.

        Raises
        ------
        KeyError
            If the atlas has no such part.
        """
        keys = [tract.key for tract in self.tracts]
        if key in keys:
            return (keys.index(key),)
        group = next((one for one in self.groups if one.key == key), None)
        if group is None:
            raise KeyError(key)
        return tuple(keys.index(member) for member in group.members)

    def fraction(self, key: str) -> NDArray[np.float32]:
        """Return the share of a tract or of a group in every voxel, shape ``grid.shape``."""
        return self.fractions[list(self.index(key))].sum(axis=0)
