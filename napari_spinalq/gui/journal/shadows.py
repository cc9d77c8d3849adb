"""What the journal knows of the masks: a copy of each, so that any change can be told voxel by voxel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gui.versions import MaskVersions
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.io.journal import Automatic, Delta, ImageRef, between, between_slices, changed_slices
from napari_spinalq.structures import DRAWN

STRUCTURES = (CORD, *DRAWN)
Key = tuple[ImageRef, str]


@dataclass(frozen=True, eq=False)
class Change:
    """How a mask differs from what the journal knows of it.

    Attributes
    ----------
    delta : Delta
        The voxels.
    slices : tuple of int
        The axial slices in which they lie.
    was, now : bool
        Whether there was a mask, and is one.
    automatic : Automatic, optional
        How it was drawn, if by a program.
    """

    delta: Delta
    slices: tuple[int, ...]
    was: bool
    now: bool
    automatic: Automatic | None


@dataclass
class Ground:
    """What was known of the masks of an image when they came from their files, for when undo leads back there."""

    flags: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    edited_before: frozenset[int] = frozenset()
    edits_unknown: bool = False
    drawn: dict[str, StructureWork] = field(default_factory=dict)


class Shadows:
    """Copies of all masks as the journal knows them, and how they were made."""

    def __init__(self) -> None:
        self.masks: dict[Key, NDArray[np.uint8]] = {}
        self.grounds: dict[ImageRef, Ground] = {}
        self.versions: dict[ImageRef, MaskVersions] = {}
        self._untold: dict[Key, Automatic | None] = {}
        self._seen: dict[Key, tuple[object, int]] = {}

    def take_ground(self, work: ScanWork, ref: ImageRef) -> None:
        """Take the masks of a scan as they came from their files; the journal is told when one is changed."""
        drawn = {name: StructureWork(None, one.flags, one.parameters, one.edited) for name, one in work.drawn.items()}
        self.grounds[ref] = Ground(work.flags, dict(work.parameters), work.edited_before, work.edits_unknown, drawn)
        for name, layer in work.masks().items():
            self.masks[ref, name] = np.array(layer.data, dtype=np.uint8)
            self._untold[ref, name] = self._how_ground(work, name)
        self.versions.setdefault(ref, MaskVersions()).absorb_last(work.versions)
        self.note_making(work, ref)

    def take_known(self, work: ScanWork, ref: ImageRef) -> None:
        """Take the masks of a scan as what the journal says of them, so that nothing is left to tell."""
        for name in STRUCTURES:
            layer = work.layer_of(name)
            self._untold.pop((ref, name), None)
            if layer is None:
                self.masks.pop((ref, name), None)
            else:
                self.masks[ref, name] = np.array(layer.data, dtype=np.uint8)
        self.note_making(work, ref)

    def take_state(self, ref: ImageRef, masks: Mapping[str, NDArray[np.uint8]]) -> None:
        """Take these masks (z, y, x) as what the journal says, whatever is on display."""
        for name in STRUCTURES:
            self._untold.pop((ref, name), None)
            self.masks.pop((ref, name), None)
        self.masks |= {(ref, name): mask for name, mask in masks.items()}

    def note_making(self, work: ScanWork, ref: ImageRef) -> None:
        """Note who drew the masks as they are now, so that only what is drawn from now on counts as new."""
        for name in STRUCTURES:
            self._seen[ref, name] = _maker(work, name)

    def untold(self, ref: ImageRef) -> Iterable[tuple[str, Delta, Automatic | None]]:
        """Yield, once, the masks of an image that came from files and that the journal was not told of yet."""
        for key in [key for key in self._untold if key[0] == ref]:
            how = self._untold.pop(key)
            yield key[1], between(None, self.masks[key], ref.order), how

    def change(self, work: ScanWork, ref: ImageRef, name: str, slices: Iterable[int] | None = None) -> Change | None:
        """Return how a mask changed, in these slices if it is known in which; None if it did not."""
        layer, key = work.layer_of(name), (ref, name)
        was, now = self.masks.get(key), None if layer is None else np.asarray(layer.data, dtype=np.uint8)
        if was is None and now is None:
            return None
        if was is None or now is None:
            delta, touched = between(was, now, ref.order), _occupied(now if was is None else was)
        else:
            touched = changed_slices(was, now) if slices is None else tuple(sorted(slices))
            delta = between_slices(was, now, touched, ref.order)
        automatic = self._automatic(work, ref, name)
        if delta.empty and (was is None) == (now is None):
            return None
        return Change(delta, touched, was is not None, now is not None, automatic)

    def take(self, work: ScanWork, ref: ImageRef, name: str, slices: Sequence[int]) -> None:
        """Take a mask as it is now as known; it changed in these slices alone, if it was there before."""
        layer, key = work.layer_of(name), (ref, name)
        self._seen[key] = _maker(work, name)
        if layer is None:
            self.masks.pop(key, None)
        elif key in self.masks:
            self.masks[key][list(slices)] = layer.data[list(slices)]
        else:
            self.masks[key] = np.array(layer.data, dtype=np.uint8)

    def knows_all_of(self, ref: ImageRef) -> bool:
        """Whether the journal was told of the masks of an image, if there are any."""
        return not any(key[0] == ref for key in self._untold) and any(key[0] == ref for key in self._seen)

    def _automatic(self, work: ScanWork, ref: ImageRef, name: str) -> Automatic | None:
        """Return how a program drew the mask, if it did so since it was taken as known."""
        maker, seen = _maker(work, name), self._seen.get((ref, name), (None, 0))
        if work.layer_of(name) is None or (maker[0] is seen[0] and maker[1] == seen[1]):
            return None
        if name != CORD:
            drawn = work.drawn[name]
            return Automatic(parameters=drawn.parameters, flags=drawn.flags)
        self.versions.setdefault(ref, MaskVersions()).absorb_last(work.versions)
        return Automatic(parameters=work.parameters, flags=work.flags, slices=work.versions.drawn_last)

    def _how_ground(self, work: ScanWork, name: str) -> Automatic | None:
        if name != CORD:
            drawn = work.drawn[name]
            return None if drawn.edited else Automatic(parameters=drawn.parameters, flags=drawn.flags)
        if work.edits_unknown:
            return None
        untouched = tuple(index for index in range(len(work.mask.data)) if index not in work.edited_before)
        return Automatic(parameters=work.parameters, flags=work.flags, slices=untouched)


def _maker(work: ScanWork, name: str) -> tuple[object, int]:
    """Return what is another object, or another number, once a program has drawn the mask again."""
    if name == CORD:
        return work.versions, len(work.versions)
    return work.drawn.get(name), 0


def _occupied(mask: NDArray[np.uint8]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask.any(axis=(1, 2))).tolist())
