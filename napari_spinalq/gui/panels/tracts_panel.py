"""The page of the tracts: what to compute, values per tract and level, what is drawn on the image, and the series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_spinalq.gui.panels.colour_bar import ColourBar, Scale
from napari_spinalq.gui.panels.parts import GAP, StateLine, Step, button, row
from napari_spinalq.gui.panels.series_panel import GradientsPage, MotionPage
from napari_spinalq.gui.panels.tract_table import TractTable
from napari_spinalq.gui.table_model import Column, Row

ALL_LEVELS, AT_CROSSHAIR = "All levels", "At the crosshair"
BOXES_ACROSS = 4
OPACITY_TIP = "How much of the image is seen through maps"
METHODS = (
    ("MAP", "map", "Maximum a posteriori: unmixes neighbours and CSF, held near what is usual where voxels are few"),
    ("ML", "ml", "Maximum likelihood: unmixes neighbours and CSF; unsteady where voxels are few"),
    ("Weighted", "wa", "Mean weighted by the tract's share of each voxel; neighbours and CSF stay mixed in"),
    ("Binary", "bin", "Mean of the voxels that belong to the tract by half at least"),
)


class TractsPanel(QWidget):
    """Says what the user wants of maps and tracts.

    Signals
    -------
    acquisition_chosen : str
        Key of what is computed and shown.
    atlas_chosen : str
        Key of an atlas; empty to choose a folder.
    file_wanted
        Choose the file of another map.
    compute_wanted : str
        Compute, with this method.
    row_chosen : object
        Identity of a row; None: outline nothing.
    filter_changed
        Another level, or all tracts instead of the main ones, are to be shown.
    copy_wanted
        Copy the table.
    shown_wanted : str, bool
        Draw this on the image, or no longer.
    opacity_wanted : float
        Of maps, 0..1.
    """

    acquisition_chosen = Signal(str)
    atlas_chosen = Signal(str)
    file_wanted = Signal()
    compute_wanted = Signal(str)
    row_chosen = Signal(object)
    filter_changed = Signal()
    copy_wanted = Signal()
    shown_wanted = Signal(str, bool)
    opacity_wanted = Signal(float)

    def __init__(self, columns: Sequence[Column], opacity: float) -> None:
        super().__init__()
        self.boxes: dict[str, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._make_compute_step())
        column.addWidget(self._make_result_step(columns, opacity), 1)

    @property
    def method(self) -> str:
        """Key of the method that is chosen."""
        return str(self.methods.currentData())

    @property
    def level(self) -> int | str | None:
        """The level that the table shows; ``"At the crosshair"``, or None for all."""
        return self.levels.currentData()

    def show_exam(self, words: str, acquisitions: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show what the exam holds, and what of it can be computed (title and key)."""
        self.holds.setText(words)
        _fill(self.acquisitions, [*acquisitions, ("A map from a file…", "")], chosen)

    def show_atlases(self, atlases: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show the atlases (title and key) at hand."""
        _fill(self.atlases, [*atlases, ("Atlas folder…", "")], chosen)

    def show_state(self, kind: str, text: str, *, possible: bool) -> None:
        """Say what is missing, out of date or doubtful, and whether anything can be computed."""
        self.state.tell(kind, text)
        self.compute.setEnabled(possible)

    def show_remarks(self, remarks: Sequence[str]) -> None:
        """Keep what a reader must know in the tooltip of the state, and say the first."""
        lines = (f"<p>{escape(remark)}</p>" for remark in remarks)  # as rich text a long line is broken
        self.state.setToolTip("".join(lines))

    def show_levels(self, levels: Sequence[tuple[str, int]]) -> None:
        """Offer these levels (name and number) to the table."""
        known = self.level
        with QSignalBlocker(self.levels):
            self.levels.clear()
            for title, data in ((ALL_LEVELS, None), (AT_CROSSHAIR, AT_CROSSHAIR), *levels):
                self.levels.addItem(title, data)
            self.levels.setCurrentIndex(max(0, self.levels.findData(known)) if known is not None else 0)

    def show_rows(self, columns: Sequence[Column], rows: Sequence[Row], units: str) -> None:
        """Show the values, and their units in words."""
        self.table.show_rows(columns, rows)
        self.units.setText(units)
        self.units.setVisible(bool(units))

    def show_place(self, words: str) -> None:
        """Say which level the crosshair stands at."""
        self.levels.setItemText(
            self.levels.findData(AT_CROSSHAIR), f"{AT_CROSSHAIR}: {words}" if words else AT_CROSSHAIR
        )

    def offer_shown(self, titles: Mapping[str, str]) -> None:
        """Offer what can be drawn on the image (key and title)."""
        if list(titles) == list(self.boxes) and all(self.boxes[key].text() == titles[key] for key in titles):
            return
        for box in self.boxes.values():
            self._grid.removeWidget(box)
            box.hide()
            box.deleteLater()
        self.boxes = {key: self._make_box(key, title) for key, title in titles.items()}
        for place, box in enumerate(self.boxes.values()):
            self._grid.addWidget(box, *divmod(place, BOXES_ACROSS))
        self.drawn.setVisible(bool(titles))

    def show_drawn(self, keys: Sequence[str]) -> None:
        """Show what is drawn on the image."""
        for key, box in self.boxes.items():
            box.setChecked(key in keys)

    def show_scale(self, scale: Scale | None) -> None:
        """Tell what the colours of a map mean; None: no map is drawn."""
        self.scale.show_scale(scale)

    def show_legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Tell the colours (as ``"#RRGGBB"``) of the tracts on the image."""
        patches = (f'<span style="color:{colour}">■</span>&nbsp;{_unbroken(title)}' for title, colour in entries)
        self.legend.setText(" &nbsp;".join(patches))
        self.legend.setVisible(bool(entries))

    def show_series(self, *, motion: bool, gradients: bool) -> None:
        """Show the pages of a diffusion series, as far as there is something on them."""
        for page, shown in ((self.motion, motion), (self.gradients, gradients)):
            self.pages.setTabEnabled(self.pages.indexOf(page), shown)

    def _make_compute_step(self) -> Step:
        step = Step(1, "Compute")
        self.holds = QLabel()
        self.holds.setWordWrap(True)
        self.acquisitions, self.atlases, self.methods = QComboBox(), QComboBox(), QComboBox()
        self.acquisitions.setToolTip("What is computed and shown below")
        self.atlases.setToolTip("Where tracts lie: the atlas of this program, or a folder with info_label.txt")
        self.methods.setToolTip("How a value is taken from a map")
        for place, (title, key, tip) in enumerate(METHODS):
            self.methods.addItem(title, key)
            self.methods.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        for box in (self.acquisitions, self.atlases):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.acquisitions.activated.connect(self._tell_acquisition)
        self.atlases.activated.connect(lambda: self.atlas_chosen.emit(str(self.atlases.currentData())))
        self.compute = button(
            "Compute",
            "Compute maps and the values of tracts, from the masks and discs as they are now",
            lambda: self.compute_wanted.emit(self.method),
        )
        self.state = StateLine()
        step.body.addWidget(self.holds)
        step.body.addLayout(row(self.acquisitions, self.methods, stretch=0))
        step.body.addLayout(row(self.atlases, self.compute, stretch=0))
        step.body.addWidget(self.state)
        return step

    def _make_result_step(self, columns: Sequence[Column], opacity: float) -> Step:
        step = Step(2, "Tracts")
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.table, self.motion, self.gradients = TractTable(columns), MotionPage(), GradientsPage()
        self.table.chosen.connect(self.row_chosen)
        self.pages.addTab(self._make_values_page(opacity), "Values")
        self.pages.addTab(self.motion, "Motion")
        self.pages.addTab(self.gradients, "Gradients")
        step.body.addWidget(self.pages, 1)
        return step

    def _make_values_page(self, opacity: float) -> QWidget:
        page = QWidget()
        body = QVBoxLayout(page)
        body.setContentsMargins(0, GAP, 0, 0)
        body.setSpacing(GAP)
        self.levels, self.everything = QComboBox(), QCheckBox("All tracts")
        self.levels.setToolTip("Which levels the table shows")
        self.levels.activated.connect(self.filter_changed)
        self.everything.setToolTip("Every tract and group of the atlas, in the table and on the image")
        self.everything.clicked.connect(self.filter_changed)
        self.copy = button("Copy", "Copy the table to the clipboard, as it is shown", self.copy_wanted.emit)
        body.addLayout(row(self.levels, self.everything, self.copy, stretch=0))
        self.units = QLabel()
        body.addWidget(self.table, 1)
        body.addWidget(self.units)
        body.addWidget(self._make_drawn(opacity))
        return page

    def _make_drawn(self, opacity: float) -> QWidget:
        self.drawn = QWidget()
        self.drawn.setVisible(False)
        body = QVBoxLayout(self.drawn)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(round(100 * opacity))
        self.opacity.setToolTip(OPACITY_TIP)
        self.opacity.valueChanged.connect(lambda value: self.opacity_wanted.emit(value / 100))
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        body.addLayout(self._grid)
        self.scale = ColourBar()
        body.addLayout(row(QLabel("Opacity"), self.opacity, self.scale))
        body.addWidget(self.legend)
        return self.drawn

    def _make_box(self, key: str, title: str) -> QCheckBox:
        box = QCheckBox(title)
        box.clicked.connect(lambda on: self.shown_wanted.emit(key, on))
        return box

    def _tell_acquisition(self) -> None:
        key = str(self.acquisitions.currentData())
        if key:
            self.acquisition_chosen.emit(key)
        else:
            self.file_wanted.emit()


def _unbroken(words: str) -> str:
    return words.replace(" ", "&nbsp;")


def _fill(box: QComboBox, items: Sequence[tuple[str, str]], chosen: str) -> None:
    """Put items (title and key) into a list and choose one of them."""
    with QSignalBlocker(box):
        box.clear()
        for place, (title, key) in enumerate(items):
            box.addItem(title, key)
            box.setItemData(place, title, Qt.ItemDataRole.ToolTipRole)
        box.setCurrentIndex(max(0, box.findData(chosen)))
