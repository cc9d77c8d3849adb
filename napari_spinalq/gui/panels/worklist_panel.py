"""The page of the worklist: the list, what is flagged, the pictures of the case at hand and the keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qtpy.QtCore import QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QListView, QPushButton, QSizePolicy, QVBoxLayout

from napari_spinalq.gui.panels.case_list import CaseDelegate, CaseListModel
from napari_spinalq.gui.panels.case_picture import CasePicture
from napari_spinalq.gui.panels.comment_box import CommentBox
from napari_spinalq.gui.panels.parts import GAP, StateLine, button, row
from napari_spinalq.gui.worklist.rows import CaseRow

KEYS_LINE = "<b>↑ ↓</b> or <b>j k</b> case &nbsp;·&nbsp; <b>f</b> flagged slice &nbsp;·&nbsp; <b>u</b> undo"
RATER_WIDTH = 92
LIST_HEIGHT = 80
"""Pixels: two rows at least on the smallest screen."""


class WorklistPanel(QFrame):
    """Shows a reading round and says what the reader wants.

    Signals
    -------
    folder_wanted, images_wanted
        Choose a folder of results, or where the images lie.
    rater_given : str
        The name under which ratings are given.
    case_chosen : object
        A case was clicked on.
    rating_wanted : str
        ``"pass"``, ``"fail"`` or ``"artefact"``.
    comment_wanted, edit_wanted
        Say something about the case, or open it to be edited.
    comment_given : str
        What was said.
    slice_wanted : int
        A slice was clicked on.
    """

    folder_wanted = Signal()
    images_wanted = Signal()
    rater_given = Signal(str)
    case_chosen = Signal(object)
    rating_wanted = Signal(str)
    comment_wanted = Signal()
    edit_wanted = Signal()
    comment_given = Signal(str)
    slice_wanted = Signal(int)

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self.folder = button("Results…", "Choose a folder of results to be rated", self.folder_wanted.emit)
        self.images = button(
            "Images…",
            "Some masks have no image beside or above them: choose where the images lie",
            self.images_wanted.emit,
        )
        self.progress = QLabel()
        self.rater = QLineEdit()
        self.model, self.list = CaseListModel(), QListView()
        self.flags, self.picture, self.comment = StateLine(), CasePicture(), CommentBox(reasons)
        self.buttons = {
            "pass": button("1 Pass", "The result can be used as it is", lambda: self.rating_wanted.emit("pass")),
            "fail": button("2 Fail", "The result cannot be used", lambda: self.rating_wanted.emit("fail")),
            "artefact": button(
                "3 Artefact",
                "The image cannot be used, whatever the result",
                lambda: self.rating_wanted.emit("artefact"),
            ),
            "comment": button("c Comment", "Say why; it is kept with the rating", self.comment_wanted.emit),
            "edit": button("e Edit", "Open the case at its worst slice, to correct it", self.edit_wanted.emit),
        }
        self._set_up()
        self._arrange()
        self.show_case(None)
        self.show_state("", unpaired=0)

    def show_rows(self, rows: Sequence[CaseRow], case: object) -> None:
        """Show the list, with one case at hand."""
        self.model.set_rows(rows)
        self.show_at_hand(case)

    def show_at_hand(self, case: object) -> None:
        """Mark the case at hand in the list and keep it in sight."""
        place = self.model.place_of(case)
        if place < 0:
            self.list.clearSelection()
            return
        index = self.model.index(place)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.list.selectionModel().setCurrentIndex(index, flags)
        self.list.scrollTo(index)

    def show_state(self, text: str, *, unpaired: int) -> None:
        """Show how far the round is, and whether masks without an image wait for one."""
        self.progress.setText(text)
        self.images.setVisible(unpaired > 0)

    def show_rater(self, name: str) -> None:
        """Show under which name ratings are given."""
        self.rater.setText(name)

    def show_case(self, words: Sequence[str] | None) -> None:
        """Show what is flagged in the case at hand; None without one."""
        for one in self.buttons.values():
            one.setEnabled(words is not None)
        self.flags.setToolTip("\n".join(words or ()))
        shown = list(words or ())[:2]
        more = len(words or ()) - len(shown)
        self.flags.tell("warn" if shown else "plain", "; ".join(shown) + (f"; and {more} more" if more > 0 else ""))

    def _set_up(self) -> None:
        self.list.setModel(self.model)
        self.list.setItemDelegate(CaseDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMinimumHeight(LIST_HEIGHT)
        self.list.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Cases, the most suspicious first")
        self.list.clicked.connect(self._clicked)
        self.progress.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for one in self.buttons.values():  # five of them share the width of the dock
            one.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            one.setStyleSheet("padding-left: 2px; padding-right: 2px;")
        self.rater.setFixedWidth(RATER_WIDTH)
        self.rater.setToolTip("Your name: it is kept with each rating")
        self.rater.editingFinished.connect(self._name_given)
        self.picture.slice_wanted.connect(self.slice_wanted)
        self.comment.given.connect(self.comment_given)
        self.comment.closed.connect(self.list.setFocus)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 2)
        column.setSpacing(GAP)
        column.addLayout(row(self.folder, self.images, self.progress, QLabel("Rater"), self.rater, stretch=2))
        column.addWidget(self.list, 1)
        column.addWidget(self.flags)
        column.addWidget(self.picture)
        column.addWidget(self.comment)
        column.addLayout(_shared(self.buttons.values()))
        keys = QLabel(KEYS_LINE)
        keys.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        keys.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column.addWidget(keys)

    def _clicked(self, index: object) -> None:
        case = self.model.row(index.row()).case
        if case is not None:
            self.case_chosen.emit(case)

    def _name_given(self) -> None:
        self.rater.clearFocus()
        self.rater_given.emit(self.rater.text())


def _shared(buttons: Iterable[QPushButton]) -> QHBoxLayout:
    """Return a row in which each button has the share of the width that its words need."""
    line = row()
    for one in buttons:
        line.addWidget(one, one.fontMetrics().horizontalAdvance(f"{one.text()}mm"))
    return line
