"""From the structure in hand to its mask on the image: grey matter and canal beside the cord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_spinalq.gui import layers
from napari_spinalq.gui.convert import to_display
from napari_spinalq.gui.segmenting import Confirm
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.work import CORD, ScanWork, StructureWork
from napari_spinalq.gui.workers import Runner
from napari_spinalq.pipeline import measure_scan
from napari_spinalq.results import DrawnStructure
from napari_spinalq.structures import draw_structure

if TYPE_CHECKING:
    from napari.components import ViewerModel

NAMES = {"cord": "cord", "gm": "grey matter", "canal": "canal"}
"""How the structures are called on buttons and in sentences."""

CORD_FIRST = "Segment the cord first: {name} is looked for around it."


class StructureDrawer:
    """Takes a structure in hand, and segments grey matter and canal on the scan at hand."""

    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, runner: Runner, confirm: Confirm) -> None:
        self._viewer, self._session, self._runner, self._confirm = viewer, session, runner, confirm
        self._see_through = False
        session.mask_changed.connect(self._arrange)
        session.structure_changed.connect(self._take_in_hand)

    def segment(self) -> None:
        """Segment the structure in hand, which is not the cord, within or around the cord as it is drawn now."""
        work, name = self._session.current, self._session.structure
        if work is None or name == CORD or self._session.held_back():
            return
        mask, centerline = work.mask_on_file_grid(), work.centerline
        if mask is None or centerline is None:
            self.told.emit("warn", CORD_FIRST.format(name=NAMES[name]))
            return
        if not self._may_replace(work, name):
            return
        labelling = self._session.labelling

        def task(progress: Any) -> DrawnStructure:
            progress(0.0, f"Segmenting the {NAMES[name]}")
            levels = measure_scan(work.scan, mask, labelling).slice_levels
            return draw_structure(name, work.scan, mask, centerline, slice_levels=levels, progress=progress)

        self._runner.run(f"Segmenting the {NAMES[name]}", task, lambda found: self._take(work, found))

    def see_through(self, on: bool) -> None:
        """Show all masks as faint outlines, for what lies beneath; or the one in hand filled again."""
        if on != self._see_through:
            self._see_through = on
            self._arrange()

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.mask_changed.disconnect(self._arrange)
        self._session.structure_changed.disconnect(self._take_in_hand)

    def _may_replace(self, work: ScanWork, name: str) -> bool:
        known = work.drawn.get(name)
        return not (known and known.edited) or self._confirm(
            "Replace the mask?", f"The {NAMES[name]} was edited by hand. A new segmentation replaces your edits."
        )

    def _take(self, work: ScanWork, found: DrawnStructure) -> None:
        if self._session.held_back():  # since the work began
            return
        layer = work.layer_of(found.name)
        if found.mask is None:
            work.drawn.pop(found.name, None)
            layers.remove(self._viewer, layer)
            layer = None
            self.told.emit("warn", f"{found.flags[0]}.")
        elif layer is None:
            layer = layers.add_mask(self._viewer, found.mask, work.scan, work.image, found.name)
        else:
            layer.data = to_display(found.mask, work.scan.grid)
        self._session.set_structure(work, found.name, StructureWork(layer, found.flags, dict(found.parameters)))
        self._take_in_hand()

    def _take_in_hand(self) -> None:
        """Make the layer of the structure in hand the one that tools act on."""
        self._arrange()
        work = self._session.current
        layer = None if work is None else work.layer_of(self._session.structure)
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.selection.active = layer

    def _arrange(self) -> None:
        work = self._session.current
        if work is not None:
            in_hand, through = self._session.structure, self._see_through
            layers.stack_masks(self._viewer, work.masks(), work.image, in_hand, see_through=through)
