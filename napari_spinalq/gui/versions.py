"""Which slices of a mask a person edited: those that equal no automatic result, even after undo and redo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class _Version:
    """Digest of each slice that an automatic result drew (None: not drawn by it), and what it was made with."""

    digests: tuple[bytes | None, ...]
    parameters: Mapping[str, Any]


class MaskVersions:
    """The automatic results that a mask has been, by digests of their slices: undo may bring any of them back."""

    def __init__(self) -> None:
        self._versions: list[_Version] = []

    def remember(self, mask: NDArray, parameters: Mapping[str, Any], slices: NDArray[np.bool_] | None = None) -> None:
        """Note that an automatic result drew these slices (all by default) of a mask in work order."""
        drawn = np.ones(len(mask), bool) if slices is None else slices
        digests = tuple(_digest(plane) if own else None for plane, own in zip(mask, drawn, strict=True))
        self._versions.append(_Version(digests, dict(parameters)))

    def absorb_last(self, other: MaskVersions) -> None:
        """Know the latest result of another one too."""
        self._versions += [version for version in other._versions[-1:] if version not in self._versions]

    def __len__(self) -> int:
        return len(self._versions)

    @property
    def drawn_last(self) -> tuple[int, ...] | None:
        """The slices that the latest result drew; None: all."""
        digests = self._versions[-1].digests
        slices = tuple(index for index, digest in enumerate(digests) if digest is not None)
        return None if len(slices) == len(digests) else slices

    def edited(self, mask: NDArray) -> NDArray[np.bool_]:
        """Return which slices of the mask no automatic result drew."""
        known = [{version.digests[index] for version in self._versions} for index in range(len(mask))]
        return np.array([_digest(plane) not in digests for plane, digests in zip(mask, known, strict=True)], dtype=bool)

    def parameters_of(self, mask: NDArray) -> Mapping[str, Any]:
        """Return what the result was made with that drew most slices of the mask; of equals the latest."""
        digests = [_digest(plane) for plane in mask]
        shares = [sum(a == b for a, b in zip(version.digests, digests, strict=True)) for version in self._versions]
        return self._versions[max(range(len(shares)), key=lambda index: (shares[index], index))].parameters


def _digest(plane: NDArray) -> bytes:
    """Digest what is drawn on a slice, and where: to read the empty rest as well takes ten times as long."""
    rows = np.flatnonzero(plane.any(axis=1))
    if not len(rows):
        return b""
    band = plane[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(band.any(axis=0))
    drawn = np.ascontiguousarray(band[:, columns[0] : columns[-1] + 1])
    place = np.array([rows[0], columns[0], *drawn.shape], dtype=np.int64)
    return blake2b(place.tobytes() + drawn.tobytes(), digest_size=8).digest()
