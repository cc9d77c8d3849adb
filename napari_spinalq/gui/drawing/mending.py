"""Tools that need no pointer: they act on this slice, this level or the whole of the mask in hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from psygnal import Signal

from napari_spinalq.editing.along import copied, interpolated, smoothed
from napari_spinalq.editing.mirror import mirrored
from napari_spinalq.editing.planes import Planes
from napari_spinalq.editing.region import holes_filled, largest_component
from napari_spinalq.editing.size import resized
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.drawing.edits import Edit, MaskEditor
from napari_spinalq.gui.drawing.tools import Scope, Tools
from napari_spinalq.gui.measuring import Measurer
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.structures import NAMES
from napari_spinalq.gui.work import CORD, ScanWork
from napari_spinalq.gui.workers import Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel

Tool = Callable[[NDArray, list[int] | None], Planes]
"""Takes a mask and the slices to act on (None: all), and returns the new planes."""

NO_MASK = "There is no mask of the {name} yet: segment it first."
NO_LEVEL = "This slice belongs to no level: find the discs first, or let the tools act on the slice."
ONLY_GM = "Mirroring is for grey matter: take it in hand first."
EDIT_TWO = "Edit two slices or more of this mask first: those between them are then drawn."
MEANWHILE = "The mask changed while the tool was at work, so nothing was done; press again."
BUSY = "Other work is going on: wait for it, or stop it with Esc."
NOTHING = "{tool}: nothing to change here."


class Mender:
    """Applies a tool to the mask in hand and says what it did; every use is one edit.

    Signals
    -------
    told : str, str
        Kind and sentence for the user.
    """

    told = Signal(str, str)

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        edits: MaskEditor,
        runner: Runner,
        measurer: Measurer,
        tools: Tools,
        refuse: Callable[[str], None],
    ) -> None:
        self._viewer, self._session, self._edits = viewer, session, edits
        self._runner, self._measurer, self._tools, self._refuse = runner, measurer, tools, refuse
        self._drawn_by_hand: WeakKeyDictionary[Labels, set[int]] = WeakKeyDictionary()
        edits.made.connect(self._remember)

    def fill_holes(self) -> None:
        """Fill what the outline encloses."""
        self._apply("fill holes", holes_filled)

    def resize(self, by_mm: float) -> None:
        """Move the outline outwards (positive) or inwards (negative), mm."""
        name = "grow" if by_mm > 0 else "shrink"
        self._apply(name, lambda mask, slices: resized(mask, self._spacing_mm(), by_mm, slices))

    def smooth(self, length_mm: float) -> None:
        """Smooth along the cord, over this length (mm)."""
        self._apply("smooth", lambda mask, slices: smoothed(mask, self._spacing_mm(), length_mm, slices))

    def keep_largest(self) -> None:
        """Keep the largest body of the mask; this tool always looks at the whole."""
        self._apply("keep largest", lambda mask, _: largest_component(mask), whole=True)

    def interpolate(self) -> None:
        """Draw the slices between those that a person edited."""
        work, name = self._session.current, self._session.structure
        keys = self._edited_slices(work, name) if work is not None else []
        if len(keys) < 2:
            self.told.emit("plain", EDIT_TWO)
            return
        self._apply("interpolate", lambda mask, _: interpolated(mask, self._spacing_mm(), keys), whole=True)

    def copy(self, step: int) -> None:
        """Copy the slice above (1) or below (-1) into the one that is shown."""
        index = self.here()
        if index is not None:
            self._apply("copy", lambda mask, _: copied(mask, index, index + step), whole=True)

    def mirror(self, side: str) -> None:
        """Replace the grey matter of one half by the mirror image of the ``left`` or ``right`` one."""
        work = self._session.current
        if self._session.structure != "gm" or work is None or work.mask is None:
            self._refuse(ONLY_GM)
            return
        grid, cord = work.scan.grid.reoriented(WORK_AXES), work.mask.data.copy()
        self._apply(f"mirror {side}", lambda mask, slices: mirrored(mask, grid, cord, side, slices))

    def here(self) -> int | None:
        """Return the axial slice that is shown, in work order; None without a mask."""
        work = self._session.current
        layer = None if work is None else work.layer_of(self._session.structure)
        if layer is None:
            return None
        index = round(float(layer.world_to_data(self._viewer.dims.point)[-3]))
        return min(max(index, 0), layer.data.shape[0] - 1)

    def _apply(self, name: str, tool: Tool, *, whole: bool = False) -> None:
        """Apply a tool: to a slice or level at once, to the whole off the main thread."""
        work, structure = self._session.current, self._session.structure
        layer = None if work is None else work.layer_of(structure)
        if work is None or layer is None:
            self._refuse(NO_MASK.format(name=NAMES[structure]))
            return
        if self._session.held_back():
            return
        before = layer.data.copy()
        try:
            slices = None if whole else self._slices(before)
            if slices is not None:
                self._take(work, structure, name, before, tool(before, slices))
                return
        except InputError as error:
            self._refuse(str(error))
            return
        started = self._runner.run(
            f"{name.capitalize()}: at work",
            lambda _progress: tool(before, None),
            lambda planes: self._take(work, structure, name, before, planes),
        )
        if not started:
            self.told.emit("warn", BUSY)

    def _take(self, work: ScanWork, structure: str, name: str, before: NDArray, planes: Planes) -> None:
        layer = work.layer_of(structure)
        if layer is None or any(not np.array_equal(layer.data[index], before[index]) for index in planes):
            self.told.emit("warn", MEANWHILE)
            return
        changed = self._edits.change(work, structure, planes, name)
        if not changed:
            self.told.emit("plain", NOTHING.format(tool=name.capitalize()))
            return
        voxels = sum(int(np.count_nonzero(planes[index] != before[index])) for index in changed)
        where = f"slice {min(changed)}" if len(changed) == 1 else f"{len(changed)} slices"
        self.told.emit("good", f"{name.capitalize()}: {voxels} voxels changed in {where}.")

    def _slices(self, mask: NDArray) -> list[int] | None:
        """Return the slices to act on; None for all.

        Raises
        ------
        InputError
            If the slice that is shown belongs to no level, and levels are asked for.
        """
        if self._tools.scope is Scope.WHOLE:
            return None
        here = self.here()
        if self._tools.scope is Scope.SLICE:
            return [here]
        levels = self._measurer.levels()
        found = [list(slices) for slices in levels.slices if here in slices] if levels is not None else []
        if not found:
            raise InputError(NO_LEVEL)
        return [int(index) for index in found[0] if mask[index].any()]

    def _spacing_mm(self) -> NDArray[np.float64]:
        return np.asarray(self._session.current.scan.grid.reoriented(WORK_AXES).spacing)

    def _edited_slices(self, work: ScanWork, structure: str) -> list[int]:
        """Return the slices that a person edited and that hold the structure, ascending."""
        layer = work.layer_of(structure)
        if layer is None:
            return []
        edited = set(self._drawn_by_hand.get(layer, ()))
        if structure == CORD:
            edited = {int(index) for index in np.flatnonzero(work.edited_slices())}
        return sorted(index for index in edited if layer.data[index].any())

    def _remember(self, edit: Edit) -> None:
        """Note in which slices grey matter and canal were drawn by hand; the cord keeps its own account."""
        layer = edit.work.layer_of(edit.structure)
        if layer is not None and edit.tool in ("brush", "eraser", "polygon", "fill") and edit.slices is not None:
            self._drawn_by_hand.setdefault(layer, set()).update(edit.slices)
