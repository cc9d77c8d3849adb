"""Magnetisation transfer: from a pair of images to MTR and MTsat per tract and level."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.levels.discs import Labelling
from napari_spinalq.microstructure.cord import NO_DISCS, MapCord
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.reading import Made, read_on_cord
from napari_spinalq.mt.maps import NO_SETTINGS, NO_T1W, MtMaps, magnetisation_transfer, single_volume
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.results import MapsResult, QuantityMap, ScanResult
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.signals import Reading, extract_mtr, extract_mtsat
from napari_spinalq.tracts.values import TractValue

NO_MTSAT = "MTsat and T1 were not computed: {}"


@dataclass(frozen=True, eq=False)
class MtSet:
    """The images of a magnetisation transfer protocol.

    Attributes
    ----------
    on, off : Scan
        With and without the saturating pulse.
    t1w : Scan, optional
        The T1-weighted image that MTsat needs.
    parameters : MtParameters, optional
        Flip angles and repetition times; without them there is no MTsat.
    why_no_mtsat : str
        Why an image or its settings are missing; empty where nobody asked for MTsat.
    """

    on: Scan
    off: Scan
    t1w: Scan | None = None
    parameters: MtParameters | None = None
    why_no_mtsat: str = ""


def analyze_mt(
    images: MtSet,
    cord: MapCord,
    *,
    labelling: Labelling = NO_DISCS,
    anatomical: ScanResult | None = None,
    options: MapOptions = MapOptions(),
    progress: Progress = silent,
) -> MapsResult:
    """Compute MTR, and MTsat where the protocol allows it, and read them per tract.

    Parameters
    ----------
    images : MtSet
        The images. Those without the pulse and the T1-weighted one are aligned to the one with it, around the cord.
    cord : MapCord
        The cord on the image with the pulse.
    labelling : Labelling
        Discs in RAS mm, of any scan of the exam; with none, all levels are unknown.
    anatomical : ScanResult, optional
        The scan whose cord and grey matter are carried here.
    options : MapOptions
        How it is done.
    progress : Progress
        Told where the work stands.

    Returns
    -------
    MapsResult
        What could not be done is in its flags.

    Raises
    ------
    InputError
        If an image holds several volumes or does not overlap the first, or the pair seems to be swapped.
    """
    on = single_volume(images.on)
    found, maps, flags = _maps(on, images, cord, portion(progress, 0.0, 0.4))
    pair = np.stack([np.asarray(on.data), found.images["off"]], axis=-1)
    used = tuple(one.name for one in (images.on, images.off, images.t1w) if one is not None)
    values = partial(_values, pair, found, images.parameters)
    made = Made("mt", on, maps, pair, values, _parameters(images), flags, used)
    step = portion(progress, 0.4, 1.0)
    return read_on_cord(made, cord, labelling=labelling, anatomical=anatomical, options=options, progress=step)


def _maps(
    on: Scan, images: MtSet, cord: MapCord, progress: Progress
) -> tuple[MtMaps, tuple[QuantityMap, ...], tuple[str, ...]]:
    """Return what was computed, its maps (MTR and, where the protocol allows it, MTsat and T1), and what to know."""
    t1w = None if images.t1w is None else single_volume(images.t1w)
    found = magnetisation_transfer(on, single_volume(images.off), t1w, images.parameters, cord.mask, progress=progress)
    maps = [QuantityMap("mtr", "MTR", "%", found.mtr)]
    if found.mtsat is not None and found.t1 is not None:
        maps += [QuantityMap("mtsat", "MTsat", "p.u.", found.mtsat), QuantityMap("t1", "T1", "s", found.t1)]
    if not images.why_no_mtsat:
        return found, tuple(maps), found.flags
    kept = [flag for flag in found.flags if flag not in (NO_T1W, NO_SETTINGS)]
    return found, tuple(maps), (NO_MTSAT.format(images.why_no_mtsat), *kept)


def _values(
    pair: NDArray, found: MtMaps, parameters: MtParameters | None, tracts: TractMaps, reading: Reading
) -> tuple[TractValue, ...]:
    """Return MTR per structure and, where the protocol allows them, MTsat and T1.

    They are taken from the signals of each structure: MTR of a voxel of two tissues is no mean of theirs.
    """
    on, off = np.moveaxis(pair, -1, 0)
    ratios = extract_mtr(on, off, tracts, reading)
    if found.mtsat is None or parameters is None:
        return ratios
    return (*ratios, *extract_mtsat(on, off, found.images["t1w"], parameters, tracts, reading))


def _parameters(images: MtSet) -> dict[str, Any]:
    return {"on": images.on.name, "off": images.off.name, "t1w": images.t1w.name if images.t1w else ""}
