"""Two people on one exam: who comes second is told, and looks only or takes over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Labels
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_spinalq.gui import dialogs
from napari_spinalq.gui.dialogs import Access
from napari_spinalq.gui.session import Session
from napari_spinalq.io.journal import Holder, Lock

if TYPE_CHECKING:
    from napari_spinalq.gui.discs import DiscEditor

LOOK_ONLY = "{who} You can look at it, not change it."
TAKEN_OVER = "{who} What you drew until now is kept in this window and in the journal; from now on you can only look."


class Keeper:
    """Holds the lock of the exam in hand from the first change on, and lets nothing be changed without it.

    Opening an exam to look at it takes no lock: it writes nothing.

    Signals
    -------
    told : str, str
        Kind and sentence for the user.
    """

    told = Signal(str, str)

    def __init__(self, window: QWidget, session: Session) -> None:
        self._window, self._session = window, session
        self._lock: Lock | None = None
        self._editor: DiscEditor | None = None
        self._held_once = False
        session.mask_changed.connect(self._bar_layers)
        session.discs_changed.connect(self._bar_layers)
        session.read_only_changed.connect(self._bar_layers)

    @property
    def held(self) -> bool:
        """Whether this window holds the lock of the exam in hand."""
        return self._lock is not None and self._lock.mine

    def watch(self, editor: DiscEditor) -> None:
        """Let the layer of the discs be barred too."""
        self._editor = editor

    def look(self, journal: Path) -> None:
        """Look, when an exam is opened, whether someone else works on it; if so, ask what to do."""
        lock = Lock.of(journal)
        holder = lock.other()
        if holder is None:
            return
        self._lock = lock
        self._ask(holder)

    def hold(self, journal: Path) -> bool:
        """Hold the lock for a change; False if someone else works on the exam, so that nothing may be written there."""
        if self._session.read_only:
            return False
        if self._lock is None or self._lock.path != Lock.of(journal).path:
            self.release()
            self._lock = Lock.of(journal)
        if self._lock.mine:
            return True
        return self._take()

    def release(self) -> None:
        """Give the lock back; what was barred may be changed again."""
        if self._lock is not None:
            self._lock.release()
        self._lock, self._held_once = None, False
        self._session.set_read_only("")

    def _take(self) -> bool:
        """Take the lock, also if its file was removed meanwhile; without a place for it nobody else can have it."""
        try:
            holder = self._lock.take()
        except OSError:
            return True
        if holder is None:
            self._held_once = True
            return True
        if self._held_once:
            self._bar(TAKEN_OVER.format(who=holder.sentence()))
            return False
        return self._ask(holder)

    def _ask(self, holder: Holder) -> bool:
        """Ask whether to look only or to take over; True if taken over."""
        if dialogs.ask_access(self._window, holder.sentence()) is not Access.TAKE_OVER:
            self._bar(LOOK_ONLY.format(who=holder.sentence()))
            return False
        try:
            self._lock.take(over=True)
        except OSError:
            return True  # the place takes no file at all; the journal says so
        self._held_once = True
        return True

    def _bar(self, reason: str) -> None:
        self._session.set_read_only(reason)
        self.told.emit("warn", reason)

    def _bar_layers(self, _reason: str = "") -> None:
        """Let napari's own tools act on masks and discs only if they may be changed."""
        may_change = not self._session.read_only
        layers = [layer for work in self._session.works for layer in work.masks().values()]
        points = self._editor.layer if self._editor is not None else None
        for layer in [*layers, *([points] if points is not None else [])]:
            if layer.editable != may_change:
                layer.editable = may_change
                if isinstance(layer, Labels) and not may_change:
                    layer.mode = "pan_zoom"
