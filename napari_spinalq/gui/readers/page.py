"""The page of the raters, connected to the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_spinalq.errors import InputError
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.dialogs import Answer
from napari_spinalq.gui.links import Link
from napari_spinalq.gui.panels.raters_panel import RatersPanel
from napari_spinalq.gui.readers.changes import change_rows
from napari_spinalq.gui.readers.raters import AUTOMATIC, NOTHING
from napari_spinalq.gui.readers.settler import Scope
from napari_spinalq.quality.readers.adjudication import Choice
from napari_spinalq.quality.readers.change import signed
from napari_spinalq.quality.readers.comparison import Comparison

if TYPE_CHECKING:
    from napari_spinalq.gui.desk import Desk

TITLE = "Raters"
STARTS = (("From the automatic mask", AUTOMATIC), ("From nothing", NOTHING))


class RatersPage:
    """Passes wishes of the panel to the desk, and shows what it tells."""

    def __init__(self, desk: Desk) -> None:
        self.panel = RatersPanel(STARTS)
        self.panel.settle.offer_scopes([scope.value for scope in Scope])
        self._desk = desk
        panel, settle = self.panel, self.panel.settle
        panel.read_wanted.connect(lambda name, start: self._try(lambda: desk.raters.begin(name, start)))
        panel.blind_wanted.connect(self._read_on)
        panel.leave_wanted.connect(self.leave)
        panel.compare_wanted.connect(lambda rater: self._try(lambda: desk.settler.compare(rater)))
        panel.level_chosen.connect(desk.measurer.go_to_level)
        settle.decided.connect(lambda choice, scope: desk.settler.decide(Choice(choice), Scope(scope)))
        settle.next_wanted.connect(desk.settler.go_on)
        settle.save_wanted.connect(desk.save)
        settle.close_wanted.connect(self.close)
        self.refresh()

    def links(self) -> list[Link]:
        """Return what the desk tells, and who listens."""
        desk = self._desk
        return [
            (desk.raters.changed, self.refresh),
            (desk.session.saved_changed, self.refresh),
            (desk.settler.changed, self._show_comparison),
        ]

    def refresh(self) -> None:
        """Show who reads what."""
        desk, work = self._desk, self._desk.session.current
        reader = desk.raters.reader
        self.panel.show_reader(reader, blind=desk.raters.blind, scan=work is not None)
        self.panel.show_reads(desk.raters.reads(), comparable=not reader)

    def leave(self) -> None:
        """Save the second read and go back to the first; what is not to be saved may be dropped."""
        desk = self._desk
        if not desk.session.unsaved:
            desk.raters.leave()
            return
        match dialogs.ask_unsaved(desk.window):
            case Answer.SAVE:
                if desk.save():
                    desk.raters.leave()
            case Answer.DISCARD:
                desk.raters.drop()

    def close(self) -> None:
        """End the comparison; decisions that are not saved may be kept."""
        desk = self._desk
        if desk.session.unsaved:
            answer = dialogs.ask_unsaved(desk.window)
            if answer is Answer.CANCEL or (answer is Answer.SAVE and not desk.save()):
                return
        desk.settler.close()

    def _read_on(self, name: str, start: str, on: bool) -> None:
        self._try(lambda: self._desk.raters.read_on(name, start, on))
        self.refresh()

    def _try(self, deed: Callable[[], object]) -> None:
        try:
            deed()
        except InputError as error:
            self._desk.refuse(str(error))

    def _show_comparison(self) -> None:
        settler = self._desk.settler
        found = settler.comparison
        self.panel.show_comparison(found is not None)
        if found is None:
            return
        self.panel.show_figures(figures_in_words(found, settler.rater), change_rows(found.levels))
        limits = found.limits
        lines = None if limits is None else (limits.lower.value, limits.bias.value, limits.upper.value)
        self.panel.plot.show_pairs(found.first_mm2, found.second_mm2, lines)
        left, _ = settler.left
        self.panel.settle.show_place(_place_in_words(self._desk), any_left=left > 0, in_view=settler.patch is not None)


def figures_in_words(found: Comparison, rater: str) -> str:
    """Say how far two reads agree as a whole."""
    dice = f"First read and {rater}: Dice {found.overlap.dice():.3f}."
    if found.limits is None:
        return f"{dice} Too few slices in common for limits of agreement."
    limits = found.limits
    return (
        f"{dice} Area per slice {signed(limits.bias.value)} mm², 95 % limits {signed(limits.lower.value)} to "
        f"{signed(limits.upper.value)} ({limits.n} slices of one cord)."
    )


def _place_in_words(desk: Desk) -> str:
    left, total = desk.settler.left
    patch = desk.settler.patch
    if patch is None:
        return "The two reads are equal." if not total else f"{left} of {total} disagreements are left."
    first, second = int(patch.first_only.sum()), int(patch.second_only.sum())
    state = "" if desk.settler.decided is Choice.UNDECIDED else f" Taken here: {desk.settler.decided.value}."
    return (
        f"Slice {patch.slice}: {first} pixel(s) only first, {second} only second. "
        f"{left} of {total} disagreements left.{state}"
    )
