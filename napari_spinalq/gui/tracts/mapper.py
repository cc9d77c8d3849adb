"""Maps and tracts of the exam on the table: computed, shown, outlined, and out of date once a mask or disc changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_spinalq.geometry import WORK_AXES
from napari_spinalq.gui.convert import mm_to_world, world_to_mm
from napari_spinalq.gui.display import Plane, current_plane, go_to, position, show_plane
from napari_spinalq.gui.session import Session
from napari_spinalq.gui.tracts.acquisitions import Acquisition, acquisitions_of, missing
from napari_spinalq.gui.tracts.computing import compute, job_of
from napari_spinalq.gui.tracts.inputs import Inputs, inputs_of
from napari_spinalq.gui.tracts.overlays import Overlays
from napari_spinalq.gui.tracts.rows import Identity, titles_of
from napari_spinalq.gui.tracts.shown import ShownMaps, moved_over
from napari_spinalq.gui.workers import Runner
from napari_spinalq.results import MapsResult
from napari_spinalq.scan import place_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

BUILTIN = "builtin"
LEFT_OUT = "{what} not saved: out of date. Compute again (page Tracts), then save."
OUT_OF_DATE = "Out of date: masks or discs changed since. Compute again."
TRACT_VIEW_MM = 35.0
"""Width of the view (mm), at most, when a tract is outlined: the cord fills nearly half of it."""

COMPUTING = "Computing {}"
BEYOND = "{scan} does not reach to this level: its picture is empty there. Tick the image of the maps below the table."


class Mapper:
    """Knows what was computed for each acquisition, and which of them is at hand.

    ``changed`` tells that acquisitions, results or their state are others; ``outlined`` carries the identity of the row
    whose tract is outlined, or None.
    """

    changed = Signal()
    outlined = Signal(object)
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel, session: Session, runner: Runner) -> None:
        self._viewer, self._session, self._runner = viewer, session, runner
        self.overlays = Overlays(viewer, session)
        self.atlas: str | Path = BUILTIN
        self._chosen = ""
        self._maps: list[Path] = []
        self._shown: dict[str, ShownMaps] = {}
        self._made_from: dict[str, Inputs] = {}
        self._stale: set[str] = set()
        self._outlined: Identity | None = None
        self.overlays.outline_removed.connect(lambda: self.outline(None))
        session.exam_changed.connect(self._forget)
        session.scan_changed.connect(self._follow_scan)
        session.mask_changed.connect(self.check)
        session.discs_changed.connect(self.check)

    @property
    def acquisitions(self) -> tuple[Acquisition, ...]:
        """What can be computed."""
        return acquisitions_of(self._session.exam, self._maps)

    @property
    def acquisition(self) -> Acquisition | None:
        """What is at hand: the one that was chosen, else the first."""
        found = self.acquisitions
        return next((one for one in found if one.key == self._chosen), found[0] if found else None)

    @property
    def shown(self) -> ShownMaps | None:
        """The maps of the acquisition at hand; None while they are not computed."""
        return self._shown.get(self.acquisition.key) if self.acquisition else None

    @property
    def result(self) -> MapsResult | None:
        """What was computed for the acquisition at hand."""
        return None if self.shown is None else self.shown.result

    @property
    def stale(self) -> bool:
        """Whether masks or discs changed since the result at hand was computed."""
        return self.acquisition is not None and self.acquisition.key in self._stale

    def missing(self) -> str:
        """Say what must be done before anything can be computed; empty if nothing."""
        return missing(self._session.first_reads, self._session.labelling)

    def choose(self, key: str) -> None:
        """Take another acquisition in hand."""
        self._chosen = key
        self.outline(None)
        self.overlays.show_maps(self._to_draw())
        self.changed.emit()

    def add_map(self, path: Path) -> None:
        """Take a map from a file in hand."""
        if path not in self._maps:
            self._maps.append(path)
        self.choose(str(path))

    def use_atlas(self, atlas: str | Path) -> None:
        """Compute with another atlas from now on."""
        self.atlas = atlas
        self.changed.emit()

    def compute(self, method: str) -> None:
        """Compute the acquisition at hand in the background, from masks and discs as they are now."""
        acquisition = self.acquisition
        if acquisition is None or self._session.current is None or self.missing():
            return
        job = job_of(self._session, acquisition, self.atlas, method)

        def done(shown: ShownMaps) -> None:
            if acquisition in self.acquisitions:  # else another exam is on the table by now
                self._computed(acquisition.key, shown, job.inputs)

        title = COMPUTING.format(acquisition.title.lower() if acquisition.path is None else acquisition.title)
        if not self._runner.run(title, lambda progress: compute(job, progress), done):
            self.told.emit("warn", "Another work is running; wait for it, or cancel it.")

    def take(self, key: str, shown: ShownMaps, inputs: Inputs) -> None:
        """Take the result of an acquisition in hand, with the masks and discs that it rests on."""
        self._shown[key], self._made_from[key] = shown, inputs
        self._chosen = key
        self.outline(None)
        self.check()
        self._follow_scan()

    def has(self, key: str) -> bool:
        """Tell whether an acquisition has a result."""
        return key in self._shown

    def results(self) -> tuple[MapsResult, ...]:
        """Return the results that are up to date and belong to the exam: those that may be saved."""
        self.check()
        own = [one.key for one in self.acquisitions if one.path is None and one.key not in self._stale]
        return tuple(self._shown[key].result for key in own if key in self._shown)

    def left_out(self) -> str:
        """Say which results are out of date and are therefore not saved; empty if none is."""
        titles = [one.title for one in self.acquisitions if one.key in self._stale]
        return LEFT_OUT.format(what=" and ".join(titles)) if titles else ""

    def check(self) -> None:
        """See whether results still rest on masks and discs as they are now."""
        if self._made_from:
            now, opened = inputs_of(self._session), [work.scan.name for work in self._session.works]
            self._stale = {key for key, inputs in self._made_from.items() if inputs.differ(now, opened)}
        self.changed.emit()

    def outline(self, identity: Identity | None) -> None:
        """Outline the tract of a row and go to its level; None: outline nothing."""
        shown = self.shown
        if shown is None and identity is not None:
            return
        self._outlined = identity
        self.overlays.outline(None if identity is None else identity[0])
        if identity is not None:
            self._go_to(shown, identity[2])
            title = titles_of(shown.result.tracts)[identity[0]]
            if not self._in_view(shown, identity[2]):
                self.told.emit("warn", BEYOND.format(scan=self._session.current.scan.name))
            elif identity[0] not in shown.outlines:
                self.told.emit("warn", f"{title} is nowhere the largest part of a place, so it has no outline.")
        self.outlined.emit(identity)

    def level_here(self) -> int:
        """Return the level of the slice of the maps at which the views stand; 0 where there is none."""
        shown, work = self.shown, self._session.current
        if shown is None or work is None or self._viewer.dims.ndim < 3:
            return 0
        point = world_to_mm(position(self._viewer), work.scan.grid)
        place = round(float(shown.result.scan.grid.reoriented(WORK_AXES).mm_to_voxel(point)[0]))
        levels = shown.result.slice_levels
        return int(levels[place]) if 0 <= place < len(levels) else 0

    def show_volume(self, volume: int) -> None:
        """Show a volume of the series, if that is the scan at hand."""
        acquisition, work = self.acquisition, self._session.current
        if work is None or acquisition is None or work.scan.source is None or work.scan.data.ndim != 4:
            return
        if work.scan.source.path in {place_of(file.path) for file in acquisition.files}:
            self._viewer.dims.set_current_step(0, volume)

    def stop(self) -> None:
        """Listen no more: the window closes."""
        self._session.exam_changed.disconnect(self._forget)
        self._session.scan_changed.disconnect(self._follow_scan)
        self._session.mask_changed.disconnect(self.check)
        self._session.discs_changed.disconnect(self.check)
        self.overlays.stop()

    def _computed(self, key: str, shown: ShownMaps, inputs: Inputs) -> None:
        self.take(key, shown, inputs)
        if not self._session.read_only:
            self._session.mark_unsaved()
        self.told.emit("good", f"Computed: {len(shown.result.values)} values.")

    def _forget(self) -> None:
        """Drop everything: another exam is on the table. If only scans came to it, some are open."""
        if not self._session.works:
            self._shown, self._made_from, self._stale, self._maps = {}, {}, set(), []
            self._outlined, self._chosen = None, ""
            self.overlays.outline(None)
            self.overlays.show_maps(None)
            self.outlined.emit(None)
        self.changed.emit()

    def _follow_scan(self) -> None:
        """Put what is drawn in the frame of the scan at hand."""
        work = self._session.current
        if work is not None:
            self._shown = {key: moved_over(shown, work.scan.grid) for key, shown in self._shown.items()}
        self.overlays.show_maps(self._to_draw())
        self.changed.emit()

    def _to_draw(self) -> ShownMaps | None:
        """Return what may be seen: nothing while a second reader draws blind, as contours follow the first mask."""
        work = self._session.current
        return None if work is None or work.blind else self.shown

    def _in_view(self, shown: ShownMaps, slices: tuple[int, ...]) -> bool:
        """Tell whether the scan at hand reaches to where these slices of the maps are shown."""
        work = self._session.current
        return work is None or not slices or bool(work.scan.grid.contains(_middle_mm(shown.result, slices)))

    def _go_to(self, shown: ShownMaps, slices: tuple[int, ...]) -> None:
        """Show the axial plane in the middle of these slices of the maps, at the cord."""
        work = self._session.current
        if work is None or not slices:
            return
        place = mm_to_world(_middle_mm(shown.result, slices), work.scan.grid)
        if current_plane(self._viewer) is not Plane.AXIAL:
            show_plane(self._viewer, Plane.AXIAL)
        go_to(self._viewer, place)
        camera = self._viewer.scene.camera
        camera.zoom = max(camera.zoom, min(self._viewer.canvas.size) / TRACT_VIEW_MM)


def _middle_mm(result: MapsResult, slices: tuple[int, ...]) -> np.ndarray:
    """Return the centre of the cord in the middle of some slices of the maps, RAS mm."""
    return cord_centre_mm(result, slices[len(slices) // 2])


def cord_centre_mm(result: MapsResult, number: int) -> np.ndarray:
    """Return the centre of the cord in a work-order slice of the maps, RAS mm; of the slice if it holds no cord."""
    grid = result.scan.grid
    voxels = np.argwhere(result.mask > 0)
    work = grid.reoriented(WORK_AXES)
    inside = np.round(work.mm_to_voxel(grid.voxel_to_mm(voxels))).astype(int)
    own = inside[inside[:, 0] == number]
    centre = own.mean(axis=0) if len(own) else np.array([number, *((np.array(work.shape[1:]) - 1) / 2)])
    return work.voxel_to_mm(centre)
