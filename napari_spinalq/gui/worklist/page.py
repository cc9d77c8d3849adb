"""The page "QC": the panel of the worklist, its keys, and the round they belong to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.desk import Desk
from napari_spinalq.gui.panels.worklist_panel import WorklistPanel
from napari_spinalq.gui.worklist.round_keys import RoundKeys
from napari_spinalq.quality.worklist.ratings import Verdict
from napari_spinalq.quality.worklist.sct_lists import REASONS

LEAST_HEIGHT = 270
"""Pixels: as low as the lowest page of the dock."""


class WorklistPage(QWidget):
    """Connects the panel with the round of the desk.

    Parameters
    ----------
    desk : Desk
        Where cases are shown.
    show_editing : callable
        Brings the page with the tools to the front.
    """

    def __init__(self, desk: Desk, show_editing: Callable[[], object]) -> None:
        super().__init__()
        self._desk, self._worklist = desk, desk.worklist
        self.panel = WorklistPanel(tuple(REASONS))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self._keys = RoundKeys(self, self._actions())
        self._connect_panel()
        worklist = self._worklist
        desk.attach(
            self,
            [
                (worklist.rows_changed, self._show_rows),
                (worklist.case_changed, self._show_case),
                (worklist.editing, show_editing),
            ],
        )
        self._show_rows()
        self._show_case()
        self.panel.show_rater(worklist.rater)

    def sizeHint(self) -> QSize:
        """Ask for little: the page takes the height of the dock, and must not ask it for the other pages."""
        return QSize(super().sizeHint().width(), LEAST_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """As :meth:`sizeHint`."""
        return QSize(super().minimumSizeHint().width(), LEAST_HEIGHT)

    def hasHeightForWidth(self) -> bool:
        """Tell that no height follows from the width, though it does for the pictures inside."""
        return False

    def heightForWidth(self, width: int) -> int:
        """As :meth:`sizeHint`: a stack of pages asks for it even so."""
        return LEAST_HEIGHT

    def showEvent(self, event: QShowEvent) -> None:
        """Take the keys, and look at the case only."""
        super().showEvent(event)
        self._keys.set_on(True)
        self._worklist.look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the keys back, and let the case be edited."""
        super().hideEvent(event)
        self._keys.set_on(False)
        self._worklist.look(False)

    def _actions(self) -> dict[Qt.Key, Callable[[], object]]:
        worklist, key = self._worklist, Qt.Key
        return {
            key.Key_1: partial(worklist.rate, Verdict.PASS),
            key.Key_2: partial(worklist.rate, Verdict.FAIL),
            key.Key_3: partial(worklist.rate, Verdict.ARTEFACT),
            key.Key_C: self._begin_comment,
            key.Key_E: worklist.edit,
            key.Key_F: worklist.next_slice,
            key.Key_U: worklist.undo,
            key.Key_Down: partial(worklist.step, 1),
            key.Key_J: partial(worklist.step, 1),
            key.Key_Up: partial(worklist.step, -1),
            key.Key_K: partial(worklist.step, -1),
        }

    def _connect_panel(self) -> None:
        panel, worklist = self.panel, self._worklist
        panel.folder_wanted.connect(self._choose_folder)
        panel.images_wanted.connect(self._choose_images)
        panel.rater_given.connect(worklist.set_rater)
        panel.case_chosen.connect(worklist.choose)
        panel.rating_wanted.connect(self._rate)
        panel.comment_wanted.connect(self._begin_comment)
        panel.comment_given.connect(worklist.comment)
        panel.edit_wanted.connect(worklist.edit)
        panel.slice_wanted.connect(worklist.view.show_slice)

    def _rate(self, verdict: str) -> None:
        self._worklist.rate(Verdict(verdict))

    def _begin_comment(self) -> None:
        worklist = self._worklist
        if worklist.round is not None and worklist.case is not None:
            self.panel.comment.open(worklist.round.comment(worklist.case, worklist.rater))

    def _choose_folder(self) -> None:
        folder = dialogs.choose_results_folder(self)
        if folder:
            self._worklist.open_folder(folder)

    def _choose_images(self) -> None:
        folder = dialogs.choose_images_folder(self)
        if folder and self._worklist.round is not None:
            self._worklist.open_folder(self._worklist.round.found.folder, folder)

    def _show_rows(self) -> None:
        worklist = self._worklist
        if worklist.round is None:
            return
        found = worklist.round.found
        self.panel.show_rows(worklist.round.rows(worklist.rater), worklist.case)
        done = f"{worklist.round.done_count(worklist.rater)} of {len(found.cases)} rated"
        self.panel.show_state(done, unpaired=len(found.unpaired))
        self.panel.show_rater(worklist.rater)

    def _show_case(self) -> None:
        worklist = self._worklist
        self.panel.show_at_hand(worklist.case)
        reading = None if worklist.case is None else worklist.reader.reading(worklist.case)
        self.panel.picture.show_pictures(reading and reading.mosaic, None if reading is None else reading.strip)
        self.panel.show_case(None if worklist.case is None else worklist.sentences())
