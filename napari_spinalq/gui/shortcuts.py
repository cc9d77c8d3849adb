"""Every key of the dock in one table, from which it is bound and from which the lists in the window and docs are made.

Keys of napari's own layers and viewer are left alone (a test looks), so that its tools keep working beside ours; those
that are useful here are listed with the rest. Plain letters are only bound where napari's labels, points and image
layers and the page of the worklist have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_spinalq.gui.display import Plane

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk

GROUPS = ("Help", "Go to", "Review", "Look", "Tool in hand", "Brush", "Mask", "Redraw", "Discs", "Work")
"""In the order in which they are listed."""

GROW_STEP_MM = 0.2
"""How far one press of the key moves the outline: less than half a voxel of most scans."""

SMOOTH_LENGTH_MM = 6.0
"""Length of cord over which the key smooths: two slices of a usual axial scan."""


@dataclass(frozen=True)
class Shortcut:
    """A key and what it does.

    Attributes
    ----------
    key : str
        As napari writes it (``"Control-F7"``); for a key that others bind, as it is shown.
    group : str
        One of ``GROUPS``.
    words : str
        What it does, in a few words.
    action : callable, optional
        What is done with the desk; None: napari or another part of the window binds the key.
    """

    key: str
    group: str
    words: str
    action: Callable[[Desk], object] | None = None

    @property
    def shown(self) -> str:
        """The key as it is shown to people.

        Examples
        --------
        >>> Shortcut("Control-PageUp", "Discs", "").shown
        'Ctrl+PgUp'
        """
        named = {"Control": "Ctrl", "PageUp": "PgUp", "PageDown": "PgDn", "Escape": "Esc", "Up": "↑", "Down": "↓"}
        return "+".join(named.get(part, part) for part in self.key.split("-")) if len(self.key) > 1 else self.key


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("?", "Help", "show this list, or close it"),
    Shortcut("F1", "Help", "the same", lambda desk: desk.help.toggle()),
    Shortcut("Up", "Go to", "slice above", lambda desk: desk.slices.step(1)),
    Shortcut("Down", "Go to", "slice below", lambda desk: desk.slices.step(-1)),
    Shortcut("PageUp", "Go to", "level above", lambda desk: desk.slices.step_level(1)),
    Shortcut("PageDown", "Go to", "level below", lambda desk: desk.slices.step_level(-1)),
    Shortcut("F12", "Go to", "next slice of low confidence, worst first", lambda desk: desk.reviewer.go_on()),
    Shortcut("Shift-F12", "Go to", "next disagreement of two reads", lambda desk: desk.settler.go_on()),
    Shortcut("G", "Review", "accept the slice as it is, go to the next", lambda desk: desk.slices.accept()),
    Shortcut("Shift-G", "Review", "take the acceptance back", lambda desk: desk.slices.take_back()),
    Shortcut("N", "Review", "next slice that nobody looked at", lambda desk: desk.slices.next_untouched()),
    Shortcut("F2", "Look", "axial", lambda desk: desk.show_plane(Plane.AXIAL)),
    Shortcut("F3", "Look", "sagittal", lambda desk: desk.show_plane(Plane.SAGITTAL)),
    Shortcut("F4", "Look", "coronal", lambda desk: desk.show_plane(Plane.CORONAL)),
    Shortcut("F5", "Look", "3-D", lambda desk: desk.show_plane(Plane.VOLUME)),
    Shortcut("F6", "Look", "close in on the cord", lambda desk: desk.segmenter.close_in()),
    Shortcut("H", "Look", "hide or show the masks", lambda desk: desk.looks.toggle_masks()),
    Shortcut("Shift-C", "Look", "contours of tracts, or none", lambda desk: desk.tracts.overlays.toggle_contours()),
    Shortcut("Shift-H", "Look", "hide or show napari's own lists", lambda desk: desk.workbench.toggle()),
    Shortcut("Shift-X", "Look", "crosshair in all views, or none", lambda desk: desk.crosshair.toggle()),
    Shortcut("Shift-W", "Look", "next grey window of the scan", lambda desk: desk.windower.next()),
    Shortcut("Shift-B", "Look", "comparison: the other picture, or this one", lambda desk: desk.comparer.blink()),
    Shortcut("I", "Look", "mask more opaque", lambda desk: desk.tools.step_opacity(1)),
    Shortcut("Shift-I", "Look", "mask less opaque", lambda desk: desk.tools.step_opacity(-1)),
    Shortcut("Space", "Look", "hold to move the view, tool in hand"),
    Shortcut("D", "Tool in hand", "brush; again: eraser", lambda desk: desk.tools.swap_brush_and_eraser()),
    Shortcut("T", "Tool in hand", "next tool, the last is none", lambda desk: desk.tools.next_tool(1)),
    Shortcut("Shift-T", "Tool in hand", "tool before", lambda desk: desk.tools.next_tool(-1)),
    Shortcut("Q", "Tool in hand", "next structure: cord, GM, canal", lambda desk: desk.tools.next_structure()),
    Shortcut("X", "Tool in hand", "brush, fill, polygon: take away or add"),
    Shortcut("Right drag", "Tool in hand", "erase with the brush"),
    Shortcut("Shift+drag", "Look", "move the crosshair, with a brush in the hand too"),
    Shortcut("Shift+right drag", "Look", "grey window: across and level: up"),
    Shortcut(",", "Brush", "smaller", lambda desk: desk.tools.step_size(-1)),
    Shortcut(".", "Brush", "larger", lambda desk: desk.tools.step_size(1)),
    Shortcut("Shift-D", "Brush", "3-D ball or disc", lambda desk: desk.tools.toggle("ball")),
    Shortcut("Shift-M", "Brush", "stop at edges of the image, or not", lambda desk: desk.tools.toggle("edge_aware")),
    Shortcut("Shift-P", "Brush", "paint only inside, or everywhere", lambda desk: desk.tools.toggle("inside_only")),
    Shortcut("R", "Mask", "act on this slice, this level or the whole", lambda desk: desk.tools.next_scope()),
    Shortcut("Shift-F", "Mask", "fill holes", lambda desk: desk.mender.fill_holes()),
    Shortcut("W", "Mask", f"grow by {GROW_STEP_MM:g} mm", lambda desk: desk.mender.resize(GROW_STEP_MM)),
    Shortcut("Shift-N", "Mask", f"shrink by {GROW_STEP_MM:g} mm", lambda desk: desk.mender.resize(-GROW_STEP_MM)),
    Shortcut("Shift-S", "Mask", "smooth along the cord", lambda desk: desk.mender.smooth(SMOOTH_LENGTH_MM)),
    Shortcut("Shift-K", "Mask", "keep the largest body", lambda desk: desk.mender.keep_largest()),
    Shortcut("Shift-J", "Mask", "draw slices between edited ones", lambda desk: desk.mender.interpolate()),
    Shortcut("Shift-PageUp", "Mask", "copy from the slice above", lambda desk: desk.mender.copy(1)),
    Shortcut("Shift-PageDown", "Mask", "copy from the slice below", lambda desk: desk.mender.copy(-1)),
    Shortcut("Shift-L", "Mask", "grey matter: left onto right", lambda desk: desk.mender.mirror("left")),
    Shortcut("Shift-R", "Mask", "grey matter: right onto left", lambda desk: desk.mender.mirror("right")),
    Shortcut("F7", "Redraw", "segment what is in hand", lambda desk: desk.segment()),
    Shortcut("Shift-F7", "Redraw", "click along the cord", lambda desk: desk.prompter.wait_for_points(True)),
    Shortcut("F10", "Redraw", "scribble: is cord", lambda desk: desk.prompter.toggle_scribble("in")),
    Shortcut("F11", "Redraw", "scribble: not cord", lambda desk: desk.prompter.toggle_scribble("out")),
    Shortcut("Control-F7", "Redraw", "other slices follow those you settled", lambda desk: desk.prompter.follow()),
    Shortcut("F8", "Discs", "find the discs", lambda desk: desk.labeller.find()),
    Shortcut("Control-F8", "Discs", "add discs by clicks, or stop", lambda desk: desk.labeller.toggle_adding()),
    Shortcut("Control-PageUp", "Discs", "every name one up", lambda desk: desk.editor.shift(-1)),
    Shortcut("Control-PageDown", "Discs", "every name one down", lambda desk: desk.editor.shift(1)),
    Shortcut("Shift-F8", "Discs", "interpolate missing discs", lambda desk: desk.editor.fill_gaps()),
    Shortcut("Control-Z", "Work", "undo", lambda desk: desk.historian.undo()),
    Shortcut("Control-Shift-Z", "Work", "redo", lambda desk: desk.historian.redo()),
    Shortcut("Control-Y", "Work", "redo, too", lambda desk: desk.historian.redo()),
    Shortcut("F9", "Work", "save", lambda desk: desk.save()),
    Shortcut("Escape", "Work", "stop long work, or waiting for a click", lambda desk: desk.stop()),
)
"""What each key does. Napari takes no shortcuts from a manifest."""


def grouped(shortcuts: Iterable[Shortcut] = SHORTCUTS, search: str = "") -> dict[str, list[Shortcut]]:
    """Return shortcuts by group, those whose key, words or group hold all the words that are searched for."""
    wanted = search.lower().split()
    found: dict[str, list[Shortcut]] = {}
    for group in GROUPS:
        own = [one for one in shortcuts if one.group == group]
        own = [one for one in own if all(word in f"{one.shown} {one.words} {group}".lower() for word in wanted)]
        if own:
            found[group] = own
    return found


def as_markdown() -> str:
    """Return the list for the docs."""
    lines = [
        "# Keys",
        "",
        "All of them are at hand while the image has the focus. `?` shows this list in the window.",
        "",
    ]
    for group, own in grouped().items():
        lines += [f"## {group}", "", "| key | does |", "|---|---|"]
        lines += [f"| `{one.shown}` | {one.words} |" for one in own]
        lines.append("")
    return "\n".join(lines)
