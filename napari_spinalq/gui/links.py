"""Connections that can be undone together: a dock that goes must not be told anything any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.utils.events import EventEmitter
from psygnal import SignalInstance
from qtpy.QtCore import QObject

Link = tuple[Any, Callable[..., Any]]


class Links:
    """Signals and who listens to them, connected on creation."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = list(links)
        for signal, slot in self._links:
            signal.connect(slot)

    @property
    def connected(self) -> bool:
        """Whether the connections still stand."""
        return bool(self._links)

    def cut_with(self, widget: QObject) -> None:
        """Undo the connections once this widget is destroyed; someone must hold these links until then.

        The slot has to be a bound method, which Qt's bindings hold weakly. Python may destroy a closed window as a part
        of garbage: then these links are known to be dead and are passed over. A partial or a lambda would be held by
        the widget, could have been emptied as garbage before it, and calling it would bring the program down.
        """
        widget.destroyed.connect(self.cut)

    def cut(self) -> None:
        """Undo the connections; Qt's own signals let go of a deleted widget by themselves."""
        for signal, slot in self._links:
            if isinstance(signal, SignalInstance):
                signal.disconnect(slot, missing_ok=True)
            elif isinstance(signal, EventEmitter):
                signal.disconnect(slot)
        self._links.clear()
