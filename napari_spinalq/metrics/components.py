"""Which pieces of a mask are the structure, and which are stray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_spinalq.metrics.plane import SlicePlane
from napari_spinalq.metrics.section import Piece

Address = tuple[int, int]
"""A piece: its slice, and its number in that slice."""

MIN_AREA_RATIO = 0.25
"""A part beyond a gap belongs to the structure if its mean area is at least this fraction of the main part's: along a
healthy cord from C1 to the conus the area varies by less than a factor of four."""


@dataclass(frozen=True)
class Component:
    """Pieces that hang together over slices.

    Attributes
    ----------
    pieces : tuple of Address
        In order of slices.
    weight : float
        Sum of the mask values.
    """

    pieces: tuple[Address, ...]
    weight: float

    @property
    def slices(self) -> list[int]:
        """Slices that it occupies, ascending, each once."""
        return sorted({slice_index for slice_index, _ in self.pieces})


def find_components(pieces: Mapping[Address, Piece], links: Sequence[tuple[Address, Address]]) -> list[Component]:
    """Group linked pieces, heaviest group first."""
    addresses = sorted(pieces)
    number = {address: place for place, address in enumerate(addresses)}
    ends = np.array([(number[a], number[b]) for a, b in links], dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(addresses), len(addresses)))
    groups: dict[int, list[Address]] = {}
    for address, label in zip(addresses, connected_components(graph, directed=False)[1].tolist(), strict=True):
        groups.setdefault(label, []).append(address)
    found = [Component(tuple(group), sum(pieces[address].weight for address in group)) for group in groups.values()]
    return sorted(found, key=lambda component: (-component.weight, component.pieces))


def main_pieces(
    pieces: Mapping[Address, Piece], links: Sequence[tuple[Address, Address]], plane: SlicePlane
) -> set[Address]:
    """Return the pieces that make up the structure; all others are stray.

    The heaviest component is the structure. A further component counts as its continuation beyond a gap if it shares
    no slice with it, lies within 45 degrees of its end, and is thick enough (``MIN_AREA_RATIO``).
    """
    first, *others = find_components(pieces, links)
    kept, taken = set(first.pieces), set(first.slices)
    ends = [first.pieces[0], first.pieces[-1]]
    least = MIN_AREA_RATIO * first.weight / len(first.slices)
    waiting = [other for other in others if other.weight / len(other.slices) >= least]
    while waiting:
        near = min(waiting, key=lambda other: _facing(other, ends)[0])
        waiting.remove(near)
        if taken.isdisjoint(near.slices) and _in_line(pieces, near, ends, plane):
            kept.update(near.pieces)
            taken.update(near.slices)
            ends += [near.pieces[0], near.pieces[-1]]
    return kept


def _facing(component: Component, ends: Sequence[Address]) -> tuple[int, Address, Address]:
    """Return the smallest number of slices from a component to an end of what was kept, and the two pieces."""
    edges = (component.pieces[0], component.pieces[-1])
    return min((abs(edge[0] - end[0]), edge, end) for edge in edges for end in ends)


def _in_line(pieces: Mapping[Address, Piece], component: Component, ends: Sequence[Address], plane: SlicePlane) -> bool:
    """Tell whether a straight line across the gap before a component leans by no more than 45 degrees."""
    gap, edge, end = _facing(component, ends)
    offset = np.subtract(pieces[edge].centroid, pieces[end].centroid)
    return bool(np.linalg.norm(plane.pixel_matrix @ offset) <= gap * plane.slice_step_mm)
