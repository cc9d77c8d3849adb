"""Connections that can be undone together: a dock that goes must not be told anything any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol
from weakref import ref

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

    def cut(self) -> None:
        """Undo the connections; Qt's own signals let go of a deleted widget by themselves."""
        for signal, slot in self._links:
            if isinstance(signal, SignalInstance):
                signal.disconnect(slot, missing_ok=True)
            elif isinstance(signal, EventEmitter):
                signal.disconnect(slot)
        self._links.clear()


class Attached(Protocol):
    """Someone to whom listeners are attached by number."""

    def detach(self, number: int) -> None:
        """Tell this listener nothing any more."""


def detach_with(widget: QObject, number: int, listened_to: Attached) -> None:
    """Detach a listener when its widget is destroyed; who was listened to may be gone by then."""
    widget.destroyed.connect(partial(_detach, ref(listened_to), number))


def _detach(listened_to: ref[Attached], number: int) -> None:
    alive = listened_to()
    if alive is not None:
        alive.detach(number)
