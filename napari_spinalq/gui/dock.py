"""The dock: the panels in the order of work, connected to the desk. It holds no state and no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_spinalq.gui import dialogs, settings
from napari_spinalq.gui.desk import desk_of
from napari_spinalq.gui.display import Convention, current_plane, use_convention
from napari_spinalq.gui.drawing.tools_page import connect_tools, show_tools, tools_links
from napari_spinalq.gui.hints import next_step
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.opening import describe
from napari_spinalq.gui.panels.change_panel import ChangePanel
from napari_spinalq.gui.panels.levels_panel import LevelsPanel
from napari_spinalq.gui.panels.measure_panel import MeasurePanel
from napari_spinalq.gui.panels.open_panel import OpenPanel
from napari_spinalq.gui.panels.parts import page
from napari_spinalq.gui.panels.segment_panel import SegmentPanel
from napari_spinalq.gui.panels.status_bar import StatusBar
from napari_spinalq.gui.panels.tools_panel import ToolsPanel
from napari_spinalq.gui.panels.view_bar import ViewBar
from napari_spinalq.gui.readers.changes import connect_changes
from napari_spinalq.gui.readers.page import TITLE as RATERS
from napari_spinalq.gui.readers.page import RatersPage
from napari_spinalq.gui.samples import SAMPLES
from napari_spinalq.gui.tracts.page import TITLE as TRACTS
from napari_spinalq.gui.tracts.page import TractsPage
from napari_spinalq.gui.work import CORD
from napari_spinalq.gui.worklist.page import WorklistPage
from napari_spinalq.scan import place_of

if TYPE_CHECKING:
    import napari

WIDTH = 372
"""Pixels: with napari's own controls on the left it leaves more than half of a 1366-pixel screen to the image."""


class SpinalCordDock(QWidget):
    """Open, segment, name the levels, measure."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.desk = desk_of(viewer)
        self.view_bar, self.open_panel = ViewBar(), OpenPanel(list(SAMPLES.items()))
        self.segment_panel, self.levels_panel = SegmentPanel(), LevelsPanel()
        self.measure_panel, self.status = MeasurePanel(), StatusBar()
        self.tools_panel, self.change_panel = ToolsPanel(), ChangePanel()
        self.raters = RatersPage(self.desk)
        self.pages, self._tall = QTabWidget(), set[QWidget]()
        self._arrange()
        self._connect_panels()
        connect_tools(self.tools_panel, self.desk)
        links = [*self._links(), *tools_links(self.tools_panel, self.desk)]
        self.desk.attach(self, [*links, *connect_changes(self.desk, self.desk.changes, self.change_panel)])
        self._refresh()
        self.segment_panel.show_review(self.desk.reviewer.slices())
        self.measure_panel.show_rows(self.desk.measurer.rows())

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 6, 2, 2)
        layout.setSpacing(2)
        layout.addWidget(self.view_bar)
        layout.addWidget(self.pages)
        self.add_page(page(self.open_panel, self.segment_panel, self.levels_panel), "Exam")
        self.add_page(page(self.tools_panel, self.change_panel), "Correct")
        self.tracts = TractsPage(self.desk)
        self.add_page(self.tracts, TRACTS, whole_height=True)
        self.worklist_page = WorklistPage(self.desk, self.show_editing)
        self.add_page(self.worklist_page, "QC", whole_height=True)
        self.add_page(self.raters.panel, RATERS, whole_height=True)
        layout.addWidget(self.measure_panel, 1)
        layout.addWidget(self.status)
        self.pages.setTabBarAutoHide(True)
        self.pages.setDocumentMode(True)
        self.pages.currentChanged.connect(self._give_room)
        self.setMinimumWidth(WIDTH)

    def add_page(self, content: QWidget, title: str, *, whole_height: bool = False) -> None:
        """Add a page; one that needs the whole height takes the room of the table while it is shown."""
        self.pages.addTab(content, title)
        if whole_height:
            self._tall.add(content)

    def show_page(self, *titles: str) -> None:
        """Bring the first page to the front that has one of these titles."""
        there = [self.pages.tabText(place) for place in range(self.pages.count())]
        title = next((one for one in titles if one in there), None)
        if title is not None:
            self.pages.setCurrentIndex(there.index(title))

    def show_editing(self) -> None:
        """Bring the page with the tools to the front."""
        self.show_page("Correct", "Exam")

    def _give_room(self) -> None:
        tall = self.pages.currentWidget() in self._tall
        self.measure_panel.setVisible(not tall)
        self.layout().setStretchFactor(self.pages, 1 if tall else 0)

    def _connect_panels(self) -> None:
        desk = self.desk
        self.view_bar.plane_wanted.connect(desk.show_plane)
        self.view_bar.cord_wanted.connect(desk.segmenter.close_in)
        self.view_bar.convention_wanted.connect(self._use_convention)
        self.open_panel.files_wanted.connect(self._choose_scans)
        self.open_panel.folder_wanted.connect(self._choose_folder)
        self.open_panel.sample_wanted.connect(desk.open_sample)
        self.open_panel.scan_chosen.connect(desk.opener.choose)
        self.segment_panel.segment_wanted.connect(desk.segment)
        self.segment_panel.structure_wanted.connect(desk.session.choose_structure)
        self.segment_panel.click_wanted.connect(desk.segmenter.wait_for_click)
        self.segment_panel.tool_wanted.connect(desk.tools.use_in_cross_section)
        self.segment_panel.points_wanted.connect(desk.prompter.wait_for_points)
        self.segment_panel.scribble_wanted.connect(desk.prompter.scribble)
        self.segment_panel.follow_wanted.connect(desk.prompter.follow)
        self.segment_panel.review_wanted.connect(desk.reviewer.go_on)
        self.levels_panel.find_wanted.connect(desk.labeller.find)
        self.levels_panel.hint_wanted.connect(desk.labeller.wait_for_click)
        self.levels_panel.add_wanted.connect(desk.labeller.add_by_click)
        self.levels_panel.rename_wanted.connect(self._rename)
        self.levels_panel.confirm_wanted.connect(desk.editor.confirm)
        self.measure_panel.level_chosen.connect(desk.measurer.go_to_level)
        self.measure_panel.copy_wanted.connect(self._copy)
        self.measure_panel.export_wanted.connect(desk.export)
        self.measure_panel.save_wanted.connect(desk.save)
        self.status.cancel_wanted.connect(desk.runner.cancel)

    def _links(self) -> list[Link]:
        """Return what the desk and the viewer tell, and who listens."""
        desk, viewer = self.desk, self.desk.viewer
        links: list[Link] = [
            (signal, self._refresh)
            for signal in (
                desk.session.exam_changed,
                desk.session.scan_changed,
                desk.session.mask_changed,
                desk.session.remarks_changed,
                desk.session.discs_changed,
                desk.session.structure_changed,
                desk.session.saved_changed,
            )
        ]
        return [
            *links,
            *self.raters.links(),
            (desk.told, self.status.tell),
            (desk.editor.selected, self._show_selected),
            (desk.segmenter.waiting, self.segment_panel.show_waiting),
            (desk.tools.tool_changed, self.segment_panel.show_tool),
            (desk.prompter.waiting, self.segment_panel.show_points),
            (desk.prompter.scribbling, self.segment_panel.show_scribble),
            (desk.labeller.waiting, self.levels_panel.show_waiting),
            (desk.labeller.adding, self.levels_panel.show_adding),
            (desk.reviewer.changed, self.segment_panel.show_review),
            (desk.measurer.rows_changed, self.measure_panel.show_rows),
            (desk.measurer.measured, self._show_flags),
            (desk.runner.started, self.status.start),
            (desk.runner.progressed, self.status.advance),
            (desk.runner.stopped, self._stopped),
            (viewer.dims.events.order, self._refresh_view),
            (viewer.dims.events.ndisplay, self._refresh_view),
            (viewer.scene.camera.events.orientation, self._refresh_view),
        ]

    def _choose_scans(self) -> None:
        self.desk.open_paths(dialogs.choose_scans(self))

    def _choose_folder(self) -> None:
        folder = dialogs.choose_exam_folder(self)
        if folder:
            self.desk.open_paths([folder])

    def _use_convention(self, convention: Convention) -> None:
        use_convention(self.desk.viewer, convention)
        settings.remember_convention(convention)

    def _rename(self, number: int) -> None:
        disc = self.desk.editor.selected_disc()
        if disc is not None:
            self.desk.editor.rename(disc, number)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.measure_panel.model.as_text())
        self.status.tell("good", "The table is on the clipboard.")

    def _stopped(self, cancelled: bool) -> None:
        self.status.stop()
        if cancelled:
            self.status.tell("plain", "Cancelled; nothing was changed.")

    def _refresh(self) -> None:
        """Show where the session stands."""
        session = self.desk.session
        work, labelling = session.current, session.labelling
        scan, mask = work is not None, work is not None and work.mask is not None
        in_hand = work is not None and work.layer_of(session.structure) is not None
        self._show_scans()
        self.segment_panel.show_structure(session.structure)
        self.segment_panel.show_possible(scan=scan, mask=in_hand, cord=mask)
        self.measure_panel.show_structure(session.structure)
        self._show_flags()
        self.levels_panel.show_possible(scan=scan, mask=mask)
        clicked = [disc.name for disc in session.clicked_discs()]
        self.levels_panel.show_state(len(labelling.discs), labelling.confirmed, clicked, labelling.flags)
        self.measure_panel.show_possible(mask)
        self.measure_panel.set_remark("unsaved" if session.unsaved else "")
        self.status.tell("plain", next_step(session))
        self._refresh_view()
        show_tools(self.tools_panel, self.desk)

    def _show_flags(self) -> None:
        """Show what is doubtful about the structure in hand."""
        session = self.desk.session
        work, name = session.current, session.structure
        own = work.flags if work and name == CORD else ()
        if work and name in work.drawn:
            own = self.desk.measurer.flags() or work.drawn[name].flags
        self.segment_panel.show_flags(own)

    def _show_scans(self) -> None:
        session = self.desk.session
        files = session.exam.files if session.exam else ()
        paths = [place_of(file.path) for file in files]
        source = session.current.scan.source if session.current else None
        current = paths.index(source.path) if source and source.path in paths else -1
        self.open_panel.show_scans([describe(file) for file in files], current)
        self.open_panel.set_remark(f"sub-{session.exam.subject}" if session.exam else "")

    def _refresh_view(self) -> None:
        self.view_bar.show_plane(current_plane(self.desk.viewer))
        self.view_bar.show_convention(settings.convention())

    def _show_selected(self, disc: Any) -> None:
        self.levels_panel.show_selected(disc.number if disc else None)
