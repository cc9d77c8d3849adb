"""The slices of a mask as pieces, with what is known about each kept until the slice changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import NDArray

from napari_spinalq.metrics.components import Address, main_pieces
from napari_spinalq.metrics.measures import SectionMeasures, measure_section
from napari_spinalq.metrics.plane import SlicePlane
from napari_spinalq.metrics.section import Piece, cut_pieces, join_pieces


@dataclass(frozen=True)
class Kept:
    """The structure after strays were set aside.

    Attributes
    ----------
    sections : mapping of int to SectionMeasures
        By slice, ascending: every slice that holds the structure.
    strays : mapping of int to int
        Number of stray voxels by slice.
    split : tuple of int
        Slices in which the structure is in several pieces.
    """

    sections: Mapping[int, SectionMeasures]
    strays: Mapping[int, int]
    split: tuple[int, ...]


class SectionStack:
    """Pieces, links and measures of all slices.

    A change of one slice cuts, links and measures that slice again; all else is kept. A stack that was changed slice
    by slice therefore equals one that was built anew.
    """

    def __init__(self, plane: SlicePlane) -> None:
        self.plane = plane
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self._links: dict[int, list[tuple[Address, Address]]] = {}
        self._measured: dict[int, dict[tuple[int, ...], SectionMeasures]] = {}

    def set_slices(self, planes: Mapping[int, NDArray]) -> None:
        """Take these slices of a work-order mask anew: by slice number, 0 outside the structure."""
        for index, plane in planes.items():
            pieces = cut_pieces(plane)
            self._pieces.pop(index, None)
            self._measured.pop(index, None)
            if pieces:
                self._pieces[index] = pieces
                self._measured[index] = {}
        for lower in {*planes, *(index - 1 for index in planes)}:
            self._links[lower] = self._link(lower)

    def _link(self, lower: int) -> list[tuple[Address, Address]]:
        return [
            ((lower, below), (lower + 1, above))
            for below, piece in enumerate(self._pieces.get(lower, ()))
            for above, other in enumerate(self._pieces.get(lower + 1, ()))
            if piece.overlaps(other)
        ]

    def kept(self) -> Kept:
        """Set strays aside and measure what is left; empty for an empty mask."""
        pieces = {(index, number): piece for index, cut in self._pieces.items() for number, piece in enumerate(cut)}
        if not pieces:
            return Kept({}, {}, ())
        links = [link for index in sorted(self._links) for link in self._links[index]]
        main = main_pieces(pieces, links, self.plane)
        numbers: dict[int, tuple[int, ...]] = {}
        for index, number in sorted(main):
            numbers[index] = (*numbers.get(index, ()), number)
        strays: dict[int, int] = {}
        for index, number in sorted(set(pieces) - main):
            strays[index] = strays.get(index, 0) + pieces[index, number].voxels
        sections = {index: self._measure(index, chosen) for index, chosen in numbers.items()}
        return Kept(sections, strays, tuple(index for index, chosen in numbers.items() if len(chosen) > 1))

    def _measure(self, index: int, numbers: tuple[int, ...]) -> SectionMeasures:
        known = self._measured[index]
        if numbers not in known:
            known[numbers] = measure_section(join_pieces([self._pieces[index][n] for n in numbers]), self.plane)
        return known[numbers]
