"""The work on one scan that is open: its masks, their centerline, who drew what, and what was checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.prepared import Prepared
from napari_spinalq.gui.convert import from_display
from napari_spinalq.gui.versions import MaskVersions
from napari_spinalq.quality.readers.packed import PackedMask, packed
from napari_spinalq.quality.readers.reads import CONSENSUS
from napari_spinalq.results import CHECKED_SLICES, EDITED_SLICES, DrawnStructure
from napari_spinalq.scan import Scan
from napari_spinalq.structures import DRAWN

CORD = "cord"
"""The structure that every other one needs first."""


@dataclass
class StructureWork:
    """Grey matter or the canal of a scan that is open.

    Attributes
    ----------
    layer : Labels, optional
        What is painted on, in work order; None where it was looked for in vain.
    flags : tuple of str
        What the segmentation warns of; without a layer, why there is none.
    parameters : dict
        How the mask was made, for the sidecar.
    edited : bool
        Whether someone painted on the mask since it was made.
    """

    layer: Labels | None
    flags: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    edited: bool = False


@dataclass
class ScanWork:
    """A scan that is open, and the work on it.

    Attributes
    ----------
    scan : Scan
        As it was read.
    image : Image
        Its layer.
    mask : Labels, optional
        The cord mask, painted on in work order.
    centerline : Centerline, optional
        Of the cord, RAS mm; kept while the mask is painted on, so that levels stay where they are.
    flags : tuple of str
        What the segmentation warns of.
    parameters : dict
        How the last automatic result was made.
    versions : MaskVersions
        The automatic results that the mask has been.
    edited_before : frozenset of int
        Slices that were edited before the mask was saved and brought back.
    edits_unknown : bool
        Whether it was edited before without a record of the slices.
    prepared : Prepared, optional
        What segmenting this scan again needs; kept for the scan at hand only, as it is large.
    looked_for : bool
        Whether work that was saved earlier has been looked for.
    drawn : dict of str to StructureWork
        Grey matter (``"gm"``) and canal, as far as they were asked for.
    checked : frozenset of int
        Slices that a person looked at and left as they are. One that is edited later counts as edited, not as checked.
    automatic : dict of str to PackedMask
        The last automatic (or loaded, unedited) mask of each structure, in work order: what edits are compared with.
        A structure is missing whose saved mask was edited before it was brought back.
    rater : str
        Whose second read this is, or the consensus; empty for the first read.
    """

    scan: Scan
    image: Image
    mask: Labels | None = None
    centerline: Centerline | None = None
    flags: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: MaskVersions = field(default_factory=MaskVersions)
    edited_before: frozenset[int] = frozenset()
    edits_unknown: bool = False
    prepared: Prepared | None = None
    looked_for: bool = False
    drawn: dict[str, StructureWork] = field(default_factory=dict)
    checked: frozenset[int] = frozenset()
    automatic: dict[str, PackedMask] = field(default_factory=dict)
    rater: str = ""

    @property
    def blind(self) -> bool:
        """Whether this is a second read, whose reader sees no mask of anyone else meanwhile."""
        return bool(self.rater) and self.rater != CONSENSUS

    @property
    def edited(self) -> bool:
        """Whether someone painted on the mask since it was made."""
        return self.mask is not None and (self.edits_unknown or bool(self.edited_slices().any()))

    def edited_slices(self) -> NDArray[np.bool_]:
        """Return which slices of the mask a person edited, numbered from inferior to superior."""
        edited = self.versions.edited(np.asarray(self.mask.data))
        edited[[index for index in self.edited_before if index < len(edited)]] = True
        return edited

    def settled_slices(self) -> NDArray[np.bool_]:
        """Return which slices of the mask a person answers for: edited, or checked and left unchanged."""
        settled = self.edited_slices()
        settled[[index for index in self.checked if index < len(settled)]] = True
        return settled

    def keep_automatic(self, name: str, drawn: NDArray[np.bool_] | None = None) -> None:
        """Keep a mask as it is now as the last automatic one, or only the slices of it that were drawn anew."""
        layer, known = self.layer_of(name), self.automatic.pop(name, None)
        if layer is None or (drawn is not None and known is None):
            return
        if known is None or drawn is None:
            self.automatic[name] = packed(layer.data)
            return
        mask = known.unpacked()
        mask[drawn] = np.asarray(layer.data)[drawn] > 0
        self.automatic[name] = packed(mask)

    def record(self) -> dict[str, Any]:
        """Return how the mask, as it is now, was made: for the sidecar."""
        made_with = self.versions.parameters_of(np.asarray(self.mask.data))
        slices = [int(index) for index in np.flatnonzero(self.edited_slices())]
        return {
            **made_with,
            "edited_by_hand": self.edits_unknown or bool(slices),
            EDITED_SLICES: None if self.edits_unknown else slices,
            CHECKED_SLICES: sorted(self.checked - set(slices)),
        }

    def mask_on_file_grid(self) -> NDArray | None:
        """Return the mask of the cord in the axis order of the file; None if there is none."""
        return None if self.mask is None else from_display(self.mask.data, self.scan.grid)

    def layer_of(self, name: str) -> Labels | None:
        """Return the layer of ``"cord"``, ``"gm"`` or ``"canal"``; None if there is none."""
        if name == CORD:
            return self.mask
        return self.drawn[name].layer if name in self.drawn else None

    def masks(self) -> dict[str, Labels]:
        """Return the layers that are painted on, from the lowest to the topmost."""
        found = {name: self.layer_of(name) for name in ("canal", CORD, "gm")}
        return {name: layer for name, layer in found.items() if layer is not None}

    def drawn_structures(self) -> tuple[DrawnStructure, ...]:
        """Return grey matter and canal as they are now, in the axis order of the file."""
        return tuple(
            DrawnStructure(
                name,
                None if one.layer is None else from_display(one.layer.data, self.scan.grid),
                one.flags,
                {**one.parameters, "edited_by_hand": one.edited},
            )
            for name, one in sorted(self.drawn.items(), key=lambda item: DRAWN.index(item[0]))
        )
