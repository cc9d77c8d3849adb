"""Connections that can be undone together: a dock that goes must not be told anything any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.utils.events import EventEmitter
from psygnal import SignalInstance

Link = tuple[Any, Callable[..., Any]]


class Links:
    """Signals and who listens to them, connected on creation."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = list(links)
        for signal, slot in self._links:
            signal.connect(slot)

    def cut(self) -> None:
        """Undo the connections; Qt's own signals let go of a deleted widget by themselves."""
        for signal, slot in self._links:
            if isinstance(signal, SignalInstance):
                signal.disconnect(slot, missing_ok=True)
            elif isinstance(signal, EventEmitter):
                signal.disconnect(slot)
        self._links.clear()
