"""The slices of a mask as pieces, with what is known about each kept until the slice changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import NDArray

from napari_spinalq.metrics.components import Address, main_pieces
from napari_spinalq.metrics.measures import Midline, SectionMeasures, left_fraction, measure_section
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

    Parameters
    ----------
    plane : SlicePlane
        Of the slices.
    every_piece : bool
        Whether all pieces count, as for grey and white matter, which a slice may cut into several; by default those
        that do not hang together with the heaviest body are strays.
    """

    def __init__(self, plane: SlicePlane, *, every_piece: bool = False) -> None:
        self.plane = plane
        self._every_piece = every_piece
        self._midlines: Mapping[int, Midline] = {}
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

    def set_midlines(self, midlines: Mapping[int, Midline]) -> None:
        """Part left from right by these lines, by slice number; slices without one keep their own."""
        self._midlines = dict(midlines)

    def _link(self, lower: int) -> list[tuple[Address, Address]]:
        return [
            ((lower, below), (lower + 1, above))
            for below, piece in enumerate(self._pieces.get(lower, ()))
            for above, other in enumerate(self._pieces.get(lower + 1, ()))
            if piece.overlaps(other)
        ]

    def kept(self) -> Kept:
        """Set strays aside and measure what is left; empty for an empty mask."""
        pieces = self._addressed()
        if not pieces:
            return Kept({}, {}, ())
        main = set(pieces) if self._every_piece else self._main(pieces)
        numbers: dict[int, tuple[int, ...]] = {}
        for index, number in sorted(main):
            numbers[index] = (*numbers.get(index, ()), number)
        strays: dict[int, int] = {}
        for index, number in sorted(set(pieces) - main):
            strays[index] = strays.get(index, 0) + pieces[index, number].voxels
        sections = {index: self._measure(index, chosen) for index, chosen in numbers.items()}
        split = () if self._every_piece else tuple(index for index, chosen in numbers.items() if len(chosen) > 1)
        return Kept(sections, strays, split)

    def main_pieces(self) -> dict[int, tuple[Piece, ...]]:
        """Return the pieces of the structure by slice, ascending, strays left out."""
        pieces = self._addressed()
        main = set(pieces) if self._every_piece or not pieces else self._main(pieces)
        found: dict[int, tuple[Piece, ...]] = {}
        for address in sorted(main):
            found[address[0]] = (*found.get(address[0], ()), pieces[address])
        return found

    def _addressed(self) -> dict[Address, Piece]:
        return {(index, number): piece for index, cut in self._pieces.items() for number, piece in enumerate(cut)}

    def _main(self, pieces: Mapping[Address, Piece]) -> set[Address]:
        links = [link for index in sorted(self._links) for link in self._links[index]]
        return main_pieces(pieces, links, self.plane)

    def _measure(self, index: int, numbers: tuple[int, ...]) -> SectionMeasures:
        known = self._measured[index]
        whole = join_pieces([self._pieces[index][number] for number in numbers])
        if numbers not in known:
            known[numbers] = measure_section(whole, self.plane)
        midline = self._midlines.get(index)
        if midline is None:
            return known[numbers]
        return known[numbers]._replace(left_fraction=left_fraction(whole, self.plane, midline))
