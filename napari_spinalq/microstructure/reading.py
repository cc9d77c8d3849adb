"""The end that the chains of diffusion and of magnetisation transfer share: maps in hand, read per tract and level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from napari_spinalq.levels.discs import Labelling
from napari_spinalq.microstructure.anatomical import bring
from napari_spinalq.microstructure.cord import MapCord, levels_of_slices
from napari_spinalq.microstructure.options import MapOptions
from napari_spinalq.microstructure.tracts import read_tracts
from napari_spinalq.progress import Progress, portion
from napari_spinalq.results import MapsResult, QuantityMap, ScanResult
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.maps import TractMaps
from napari_spinalq.tracts.signals import Reading
from napari_spinalq.tracts.values import TractValue


@dataclass(frozen=True, eq=False)
class Made:
    """What a chain made of its images, before any anatomy is known.

    Attributes
    ----------
    name : str
        ``"dwi"`` or ``"mt"``.
    image : Scan
        3-D image on whose grid everything lies.
    maps : tuple of QuantityMap
        In the order in which they are read.
    signals : array, shape ``image.grid.shape + (n_volumes,)``
        Images in which cord and CSF behave differently.
    values : callable
        Takes values per tract from the signals.
    parameters : mapping
        How it was made.
    flags, used : tuple of str
        What a reader must know, and the names of the images that were used.
    """

    name: str
    image: Scan
    maps: tuple[QuantityMap, ...]
    signals: NDArray
    values: Callable[[TractMaps, Reading], tuple[TractValue, ...]]
    parameters: Mapping[str, Any]
    flags: Sequence[str]
    used: tuple[str, ...]


def read_on_cord(
    made: Made,
    cord: MapCord,
    *,
    labelling: Labelling,
    anatomical: ScanResult | None,
    options: MapOptions,
    progress: Progress,
) -> MapsResult:
    """Bring an anatomical scan to the maps, lay the atlas over their cord, and read each tract.

    Parameters
    ----------
    made : Made
        The maps and the signals behind them.
    cord : MapCord
        On the grid of the maps.
    labelling, anatomical, options, progress
        As for :func:`~napari_spinalq.microstructure.diffusion.analyze_diffusion`.
    """
    grid = made.image.grid
    brought = bring(anatomical, made.image, cord.soft, portion(progress, 0.0, 0.4))
    levels = levels_of_slices(labelling, cord.centerline, cord.mask, grid)
    options = options.per_level_where_known(levels)
    reading = Reading(levels, grid, per=options.per, method=options.method)
    tracts, values, told = read_tracts(
        lambda known: made.values(known, reading),
        cord,
        levels,
        made.image,
        options,
        series=made.signals,
        grey_matter=brought.grey_matter,
        progress=portion(progress, 0.4, 1.0),
    )
    progress(1.0, "values per tract taken")
    source = "" if anatomical is None else anatomical.scan.name
    return MapsResult(
        made.name,
        made.image,
        cord.mask,
        levels,
        made.maps,
        tracts,
        values,
        registration=brought.registration,
        carried=brought.carried,
        parameters={**made.parameters, "anatomical_scan": source, **options.record()},
        flags=tuple(dict.fromkeys([*made.flags, *cord.flags, *brought.flags, *told])),
        used=made.used,
    )
