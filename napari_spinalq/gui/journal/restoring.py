"""Putting masks back as they were, with all that was known of them then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import from_display
from napari_spinalq.gui.journal.shadows import Ground, Shadows
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.versions import MaskVersions
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.io.journal import Delta, History, ImageRef, making

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Restorer:
    """Changes masks as the history says, layers included. Whoever calls it lets the journal not hear it."""

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session

    def change(self, work: ScanWork, ref: ImageRef, name: str, delta: Delta, *, there: bool) -> None:
        """Change voxels of a mask; a mask that shall not be there goes, one that was not there comes."""
        layer = work.layer_of(name)
        if not there:
            self._remove(work, name)
        elif layer is None:
            mask = np.zeros(ref.order.work_shape, np.uint8)
            delta.write_to(mask, ref.order)
            self._add(work, name, mask)
        else:
            delta.write_to(layer.data, ref.order)
            layer.refresh()

    def put(self, work: ScanWork, name: str, mask: NDArray[np.uint8] | None) -> None:
        """Give a scan this mask (z, y, x), or none."""
        layer = work.layer_of(name)
        if mask is None:
            self._remove(work, name)
        elif layer is None:
            self._add(work, name, mask)
        else:
            layer.data[:] = mask
            layer.refresh()

    def tell_making(self, work: ScanWork, ref: ImageRef, name: str, history: History, shadows: Shadows) -> None:
        """Let flags, parameters and edited slices be those of the mask as it stands."""
        made, ground = making(history.standing(), ref, name), shadows.grounds.get(ref, Ground())
        if name == CORD:
            work.flags = made.automatic.flags if made.automatic else ground.flags
            work.parameters = dict(made.automatic.parameters if made.automatic else ground.parameters)
            work.versions = shadows.versions.setdefault(ref, MaskVersions())
            work.edited_before = frozenset() if made.whole else ground.edited_before
            work.edits_unknown = ground.edits_unknown and not made.whole
        elif name in work.drawn:
            known = ground.drawn.get(name, StructureWork(None))
            one = work.drawn[name]
            one.flags = made.automatic.flags if made.automatic else known.flags
            one.parameters = dict(made.automatic.parameters if made.automatic else known.parameters)
            one.edited = made.edited or (known.edited and not made.whole)

    def _add(self, work: ScanWork, name: str, mask: NDArray[np.uint8]) -> None:
        stored = from_display(mask, work.scan.grid)
        layer = layers.add_mask(self._viewer, stored, work.scan, work.image, name)
        if name == CORD:
            work.mask = layer
        else:
            work.drawn[name] = StructureWork(layer)

    def _remove(self, work: ScanWork, name: str) -> None:
        layer = work.layer_of(name)
        if name == CORD:
            work.mask = work.centerline = None
        else:
            work.drawn.pop(name, None)
        layers.remove(self._viewer, layer)
