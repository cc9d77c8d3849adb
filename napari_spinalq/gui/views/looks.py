"""How the scan at hand and its masks look in napari's layers, so that every view looks the same."""

from __future__ import annotations

from typing import Any

from psygnal import Signal

from napari_spinalq.gui.session import Session


class Looks:
    """Tells when voxels or looks of the layers of the scan at hand change, and switches the masks on and off.

    Signals
    -------
    changed
        Window, colour, opacity, outline or visibility, or voxels of a mask (also while a stroke goes on).
    edited
        Voxels of a mask may have changed.
    """

    changed = Signal()
    edited = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listening: list[tuple[Any, Any]] = []
        self._hidden: list[Any] = []
        session.mask_changed.connect(self._follow)
        session.scan_changed.connect(self._follow)
        self._follow()

    @property
    def masks_shown(self) -> bool:
        """Whether any mask is visible, or there is none."""
        masks = self._masks()
        return not masks or any(layer.visible for layer in masks)

    def toggle_masks(self) -> None:
        """Hide the masks in all views, or show again those that were visible."""
        masks = self._masks()
        if self.masks_shown:
            self._hidden = [layer for layer in masks if layer.visible]
            for layer in self._hidden:
                layer.visible = False
        else:
            for layer in [layer for layer in masks if layer in self._hidden] or masks:
                layer.visible = True
            self._hidden = []

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.mask_changed.disconnect(self._follow)
        self._session.scan_changed.disconnect(self._follow)
        self._unfollow()

    def _masks(self) -> list[Any]:
        work = self._session.current
        return [] if work is None else list(work.masks().values())

    def _follow(self) -> None:
        self._unfollow()
        work = self._session.current
        if work is not None:
            look = work.image.events
            self._listening = [
                (e, self._changed) for e in (look.contrast_limits, look.gamma, look.colormap, look.visible)
            ]
        for events in (layer.events for layer in self._masks()):
            self._listening += [(e, self._changed) for e in (events.visible, events.opacity, events.contour)]
            self._listening += [(e, self._edited) for e in (events.labels_update, events.paint, events.set_data)]
        for emitter, listener in self._listening:
            emitter.connect(listener)
        self.changed.emit()

    def _unfollow(self) -> None:
        for emitter, listener in self._listening:
            emitter.disconnect(listener)
        self._listening = []

    def _changed(self, event: Any = None) -> None:
        self.changed.emit()

    def _edited(self, event: Any = None) -> None:
        self.edited.emit()
        self.changed.emit()
