"""What values per tract rest on, so that a later change of it is noticed, even in files. No Qt is known here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gui.session import Session
from napari_spinalq.levels.discs import Labelling

DRAWN_FROM = "drawn_from"
"""Key of the parameters of a result that holds this."""

SAME_PLACE_MM = 0.05
"""A disc that moved by less did not move: files round to thousandths of a mm, and no hand is as steady."""

DIGEST_BYTES = 8

DiscPlace = tuple[int, float, float, float]


@dataclass(frozen=True)
class Inputs:
    """Masks and discs at one time.

    Attributes
    ----------
    masks : mapping of str to str
        By scan and structure, such as ``"sub-01_T2w cord"``, a digest of its voxels.
    discs : tuple of (number, x, y, z)
        RAS mm.
    """

    masks: Mapping[str, str]
    discs: tuple[DiscPlace, ...]

    def record(self) -> dict[str, Any]:
        """Return this as it is written to a sidecar."""
        return {"masks": dict(self.masks), "discs": [list(disc) for disc in self.discs]}

    def differ(self, now: Inputs, open_scans: Iterable[str]) -> bool:
        """Tell whether a mask or disc is another by now; masks of scans that are not open cannot have changed."""
        opened = set(open_scans)
        masks = ((key, digest) for key, digest in self.masks.items() if key.rsplit(" ", 1)[0] in opened)
        return any(now.masks.get(key) != digest for key, digest in masks) or not _same(self.discs, now.discs)


def inputs_of(session: Session) -> Inputs:
    """Return masks and discs of a session as they are now; second reads are no part of them."""
    masks = {
        f"{work.scan.name} {name}": digest(np.asarray(layer.data))
        for work in session.first_reads
        for name, layer in sorted(work.masks().items())
    }
    return Inputs(masks, places_of(session.labelling))


def inputs_of_record(record: Any) -> Inputs | None:
    """Return what a sidecar says; None where it says nothing of it."""
    if not isinstance(record, Mapping) or not {"masks", "discs"} <= set(record):
        return None
    discs = tuple((int(number), float(x), float(y), float(z)) for number, x, y, z in record["discs"])
    return Inputs({str(key): str(value) for key, value in record["masks"].items()}, discs)


def places_of(labelling: Labelling) -> tuple[DiscPlace, ...]:
    """Return number and place of each disc, RAS mm."""
    return tuple((disc.number, *(float(value) for value in disc.position_mm)) for disc in labelling.discs)


def digest(mask: NDArray) -> str:
    """Return a digest of which voxels a mask holds."""
    inside = mask > 0
    shape = np.array(inside.shape, dtype=np.int64).tobytes()
    return blake2b(shape + np.packbits(inside).tobytes(), digest_size=DIGEST_BYTES).hexdigest()


def _same(before: tuple[DiscPlace, ...], after: tuple[DiscPlace, ...]) -> bool:
    if [disc[0] for disc in before] != [disc[0] for disc in after]:
        return False
    places = [np.array([disc[1:] for disc in discs]).reshape(-1, 3) for discs in (before, after)]
    return bool(np.all(np.abs(places[0] - places[1]) < SAME_PLACE_MM))
