"""The page "Correct", connected to those who do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_spinalq.gui.links import Link
from napari_spinalq.gui.panels.tools_panel import ToolsPanel
from napari_spinalq.gui.structures import NAMES

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk


def connect_tools(panel: ToolsPanel, desk: Desk) -> None:
    """Hand every wish of the page to the one who fulfils it."""
    tools, mender, slices = desk.tools, desk.mender, desk.slices
    panel.tool_wanted.connect(tools.use)
    panel.size_wanted.connect(tools.set_size)
    panel.kind_wanted.connect(tools.set_kind)
    panel.structure_wanted.connect(desk.session.choose_structure)
    panel.scope_wanted.connect(tools.set_scope)
    panel.fill_wanted.connect(mender.fill_holes)
    panel.largest_wanted.connect(mender.keep_largest)
    panel.between_wanted.connect(mender.interpolate)
    panel.resize_wanted.connect(mender.resize)
    panel.smooth_wanted.connect(mender.smooth)
    panel.copy_wanted.connect(mender.copy)
    panel.mirror_wanted.connect(mender.mirror)
    panel.scribble_wanted.connect(desk.prompter.scribble)
    panel.follow_wanted.connect(desk.prompter.follow)
    panel.accept_wanted.connect(slices.accept)
    panel.next_wanted.connect(slices.next_untouched)
    panel.slice_wanted.connect(slices.go_to)
    panel.help_wanted.connect(desk.help.toggle)
    panel.add_disc_wanted.connect(desk.labeller.add_by_click)
    panel.shift_discs_wanted.connect(desk.editor.shift)
    panel.gaps_wanted.connect(desk.editor.fill_gaps)


def tools_links(panel: ToolsPanel, desk: Desk) -> list[Link]:
    """Return what is told to the page, for as long as it lives."""
    return [
        (desk.tools.tool_changed, panel.show_tool),
        (desk.tools.brush_changed, panel.show_brush),
        (desk.tools.scope_changed, panel.show_scope),
        (desk.slices.changed, panel.show_slice),
        (desk.prompter.scribbling, panel.show_scribble),
        (desk.labeller.adding, panel.show_adding),
    ]


def show_tools(panel: ToolsPanel, desk: Desk) -> None:
    """Show on the page where the session stands."""
    session = desk.session
    work = session.current
    panel.show_possible(
        scan=work is not None,
        mask=work is not None and work.layer_of(session.structure) is not None,
        cord=work is not None and work.mask is not None,
        discs=len(session.labelling.discs),
        structure=session.structure,
    )
    around = desk.tools.around()
    panel.show_around(NAMES[around] if around else "")
    panel.show_brush(desk.tools.brush)
    panel.show_slice(desk.slices.state())
