"""Everything that works on one viewer, apart from the widgets: it outlives a dock that is closed and opened again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.utils.notifications import show_warning
from psygnal import Signal

from napari_spinalq.errors import CordNotFoundError, InputError
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.closing import CloseGuard
from napari_spinalq.gui.dialogs import Answer
from napari_spinalq.gui.discs import DiscEditor
from napari_spinalq.gui.display import Plane, show_plane
from napari_spinalq.gui.drawing.edits import MaskEditor
from napari_spinalq.gui.drawing.mending import Mender
from napari_spinalq.gui.drawing.slices import SliceReview
from napari_spinalq.gui.drawing.tools import Tools
from napari_spinalq.gui.help import Help
from napari_spinalq.gui.journal.history import Historian
from napari_spinalq.gui.journal.locking import Keeper
from napari_spinalq.gui.journal.recording import Recorder
from napari_spinalq.gui.journal.recovering import Recoverer
from napari_spinalq.gui.keys import bind_keys, stop_on_escape
from napari_spinalq.gui.labelling import Labeller
from napari_spinalq.gui.links import Link, Links
from napari_spinalq.gui.marks import OrientationMarks
from napari_spinalq.gui.measuring import Measurer
from napari_spinalq.gui.opening import Opener
from napari_spinalq.gui.picking import Picker
from napari_spinalq.gui.prompting import Prompter
from napari_spinalq.gui.readers.changes import Changes
from napari_spinalq.gui.readers.raters import Raters
from napari_spinalq.gui.readers.saving_reads import save_reads
from napari_spinalq.gui.readers.settler import Settler
from napari_spinalq.gui.reopening import Reopener
from napari_spinalq.gui.reviewing import Reviewer
from napari_spinalq.gui.saving import Saver
from napari_spinalq.gui.segmenting import Segmenter
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.structures import StructureDrawer
from napari_spinalq.gui.tracts.hover import TractHover
from napari_spinalq.gui.tracts.mapper import Mapper
from napari_spinalq.gui.tracts.reading import SavedMaps
from napari_spinalq.gui.views.canvasmouse import CanvasMouse
from napari_spinalq.gui.views.comparing import Comparer
from napari_spinalq.gui.views.crosshair import Crosshair
from napari_spinalq.gui.views.lenses import Lenses
from napari_spinalq.gui.views.looks import Looks
from napari_spinalq.gui.views.surfaces import Surfaces
from napari_spinalq.gui.views.windowing import Windower
from napari_spinalq.gui.views.workbench import Workbench
from napari_spinalq.gui.work import CORD
from napari_spinalq.gui.workers import Runner
from napari_spinalq.gui.worklist.controller import Worklist
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.io.trouble import in_words

if TYPE_CHECKING:
    from napari import Viewer
    from qtpy.QtWidgets import QWidget

POINT_AT_THE_CORD = "No cord was found. Press “From a click”, then click on the cord in the image."

NOT_SAVED = "Not saved: {why} Nothing is lost: the work is kept here and in the journal of edits."

NOT_EXPORTED = "Not exported: {why} What stood there before is as it was."

_DESKS: WeakKeyDictionary[object, Desk] = WeakKeyDictionary()


class Desk:
    """The session of a viewer and those who work on it. ``told`` carries a kind and a sentence for the user."""

    told = Signal(str, str)

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.window = viewer.window._qt_window  # napari has no public handle; dialogs need a parent
        self.session = Session()
        self.runner = Runner()
        self.picker = Picker(viewer)
        self.edits = MaskEditor(self.session)
        self.marks = OrientationMarks(viewer)
        self.saver = Saver(self.session)
        self.keeper = Keeper(self.window, self.session)
        self.recorder = Recorder(self.session, self.saver, self.edits, self.keeper)
        self.reopener = Reopener(viewer, self.session, self.saver)
        self.opener = Opener(viewer, self.session, self.runner, self.reopener)
        self.recoverer = Recoverer(viewer, self.window, self.session, self.recorder, self.keeper)
        self.historian = Historian(viewer, self.session, self.edits, self.recorder, self.opener)
        self.editor = DiscEditor(viewer, self.session)
        self.segmenter = Segmenter(viewer, self.session, self.runner, self.picker, self._confirm)
        self.prompter = Prompter(
            viewer, self.session, self.runner, self.picker, self.segmenter, self.edits, self._confirm
        )
        self.structures = StructureDrawer(viewer, self.session, self.runner, self._confirm)
        self.labeller = Labeller(viewer, self.session, self.runner, self.picker, self.editor)
        self.measurer = Measurer(viewer, self.session)
        self.reviewer = Reviewer(viewer, self.session, self.measurer)
        self._set_up_views()
        self.tools = Tools(viewer, self.session, self.edits, self.picker, self.segmenter, self.refuse)
        self.mender = Mender(viewer, self.session, self.edits, self.runner, self.measurer, self.tools, self.refuse)
        self.slices = SliceReview(viewer, self.session, self.edits, self.measurer)
        self.help = Help(self.window)
        self.changes = Changes(self.session, self.measurer)
        self.raters = Raters(viewer, self.session, self.saver)
        self.settler = Settler(viewer, self.session, self.runner, self.raters, self.edits)
        self.worklist = Worklist(viewer, self.session, self.opener, self.saver, self.may_close)
        self.tracts = Mapper(viewer, self.session, self.runner)
        self.saved_maps = SavedMaps(self.session, self.saver, self.tracts)
        self.saver.maps = self.saved_maps.for_saving
        self._tract_hover = TractHover(viewer, self.session, self.tracts)
        self._docks: list[Links] = []
        self._guard = CloseGuard(self.window, self.may_close, self._closed)
        drawers = (self.segmenter, self.prompter, self.structures, self.editor, self.tools, self.mender)
        keepers = (self.keeper, self.recorder, self.recoverer, self.historian)
        viewing = (self.measurer, self.reviewer, self.slices, self.windower, self.comparer)
        readers = (self.raters, self.settler, self.worklist, self.tracts, self.saved_maps)
        tellers = (self.reopener, *drawers, self.labeller, *readers, *keepers, *viewing)
        for source in (teller.told for teller in tellers):
            source.connect(self.told.emit)
        self.measurer.measured.connect(self.tracts.check)
        self.reopener.discs_back.connect(self.labeller.take_discs_in_hand)
        self._keep_history()
        self.editor.refused.connect(self.refuse)
        self.session.refused.connect(self.refuse)
        self.edits.refused.connect(self.refuse)
        self.session.mask_changed.connect(self._let_escape_stop)
        self.runner.refused.connect(self._refused)

    def _keep_history(self) -> None:
        """Let every change be written, and whatever was written be undone, redone and brought back."""
        self.keeper.watch(self.editor)
        self.recorder.first.connect(self.recoverer.take)
        self.recorder.noted.connect(self.prompter.pair)
        self.opener.looked.connect(self.recoverer.take)
        self.opener.looked.connect(self.historian.go_on)
        self.opener.looked.connect(self.saved_maps.look)
        self.historian.moved.connect(self.prompter.follow_history)
        self.historian.name_levels(self.measurer.level_name_at)
        self.prompter.undo_wanted.connect(self.historian.undo)
        self.prompter.redo_wanted.connect(self.historian.redo)
        self.raters.recall = self.recoverer.recall
        self.changes.recall = self.recoverer.automatic

    def _set_up_views(self) -> None:
        """Set up what all views share, whether or not their dock is open."""
        self.looks, self.surfaces = Looks(self.session), Surfaces(self.session)
        self.crosshair, self.lenses = Crosshair(self.viewer, self.picker), Lenses(self.viewer)
        self.windower, self.workbench = Windower(self.viewer, self.session), Workbench(self.viewer)
        self.comparer = Comparer(self.viewer, self.session, self.runner)
        self._canvas_mouse = CanvasMouse(self.viewer, self.windower)
        self.looks.edited.connect(self.surfaces.follow)
        self.session.scan_changed.connect(self.lenses.forget)

    def attach(self, widget: QWidget, links: Sequence[Link]) -> None:
        """Connect a dock, until its widget is destroyed or the window closes."""
        made = Links(links)
        made.cut_with(widget)
        self._docks = [*(dock for dock in self._docks if dock.connected), made]

    def open_paths(self, paths: Sequence[str | Path]) -> None:
        """Open an exam, unless unsaved edits hold the user back."""
        if not paths or not self.may_close():
            return
        try:
            self.opener.open_paths(paths)
        except InputError as error:
            self._refused(error)

    def open_sample(self, subject: str) -> None:
        """Open the exam of a sample subject."""
        try:
            folder = sample_folder()
        except InputError as error:
            self._refused(error)
            return
        self.open_paths([folder / f"sub-{subject}"])

    def show_plane(self, plane: Plane) -> None:
        """Show a plane, at the cord if it is known."""
        show_plane(self.viewer, plane)
        self.segmenter.centre_on_cord()

    def segment(self) -> None:
        """Segment the structure in hand."""
        if self.session.structure == CORD:
            self.segmenter.segment()
        else:
            self.structures.segment()

    def stop(self) -> None:
        """Stop what is going on: long work, or waiting for a click."""
        self.runner.cancel()
        self.picker.stop()
        self.prompter.stop()
        self.labeller.add_by_click(False)

    def export(self) -> None:
        """Write the table of measures to a file of the user's choice."""
        path = dialogs.choose_table_file(self.window, self.saver.suggestion() / "metrics.csv")
        if not path:
            return
        try:
            self.saver.export(Path(path))
        except InputError as error:
            self._refused(error)
            return
        except OSError as error:  # a full disk, a drive that is gone
            self.refuse(NOT_EXPORTED.format(why=in_words(error)))
            return
        self.told.emit("good", f"Exported {path}")

    def save(self) -> bool:
        """Save everything as BIDS derivatives; False if it was not saved: then all is kept, and can be saved again.

        While a second read or the consensus is at hand, that is what is saved: the first read is as it was.
        """
        if self.session.held_back():
            return False
        self.recorder.catch_up()
        try:
            return self._save()
        except InputError as error:
            self._refused(error)
        except OSError as error:  # a full disk, a drive or a file that is gone
            self.refuse(NOT_SAVED.format(why=in_words(error)))
        return False

    def _save(self) -> bool:
        work = self.session.current
        apart = work is not None and bool(work.rater)
        if (apart or self.raters.unsaved() or self.settler.unsaved()) and not save_reads(self):
            return False
        if apart:
            return True
        folder = self.saver.folder or dialogs.choose_output_folder(self.window, self.saver.home())
        if not folder:
            return False
        existing = self.saver.existing(folder)
        if existing and not dialogs.ask_overwrite(self.window, existing):
            self.told.emit("plain", "Not saved: the earlier results were kept.")
            return False
        written = self.saver.save(folder, overwrite=bool(existing))
        left = self.tracts.left_out()
        self.told.emit("warn" if left else "good", f"Saved {len(written)} files in {folder}. {left}".strip())
        return True

    def may_close(self) -> bool:
        """Tell whether the work may be put away; unsaved edits are offered to be saved."""
        if not self.session.unsaved:
            return True
        match dialogs.ask_unsaved(self.window):
            case Answer.SAVE:
                return self.save()
            case Answer.DISCARD:
                self.recorder.discard()
                return True
        return False

    def refuse(self, sentence: str) -> None:
        """Say why something was refused, in the dock and where the eyes are."""
        self.told.emit("bad", sentence)
        show_warning(sentence)

    def _refused(self, error: InputError) -> None:
        self.refuse(POINT_AT_THE_CORD if isinstance(error, CordNotFoundError) else str(error))

    def _confirm(self, question: str, consequence: str) -> bool:
        return dialogs.confirm(self.window, question, consequence, "Replace")

    def _let_escape_stop(self) -> None:
        work = self.session.current
        if work is not None and work.mask is not None:
            stop_on_escape(work.mask, self.stop)

    def _closed(self) -> None:
        self.runner.stop_and_wait()
        self.picker.stop()
        self.settler.stop()
        self.raters.stop()
        self.changes.stop()
        self.measurer.stop()
        self.prompter.close()
        self.structures.stop()
        self.editor.stop()
        self.tools.stop()
        self.slices.stop()
        self.opener.stop()
        for view in (self._canvas_mouse, self.comparer, self.windower, self.crosshair, self.surfaces, self.looks):
            view.stop()
        self._tract_hover.stop()
        self.saved_maps.stop()
        self.tracts.stop()
        self.worklist.stop()
        self.recorder.stop()
        for dock in self._docks:
            dock.cut()
        _DESKS.pop(self.viewer.window, None)


def desk_of(viewer: Viewer) -> Desk:
    """Return the desk of a viewer; the first call sets it up."""
    if viewer.window not in _DESKS:
        _DESKS[viewer.window] = Desk(viewer)
        bind_keys(viewer, desk_of)
    return _DESKS[viewer.window]
