"""Size, place and spread of each part of the cord's cross-section, per vertebral level C1 to L1.

The table beside this module holds, for the mean of both sides of the PAM50 atlas at each level, the share of the cord's
area, the centroid and the second central moments of every part: figures that were measured, not a map. Template: De
Leener et al. 2018, NeuroImage, doi:10.1016/j.neuroimage.2017.10.041; atlas: Levy et al. 2015, NeuroImage,
doi:10.1016/j.neuroimage.2015.06.040. Coordinates are normalised by the outline of the cord, which lies at radius 1 in
every direction: x to the patient's right, y to anterior, from the centroid; so areas are those of a disc, which a cord
flattened in front holds in less room there. ``training/tract_figures.py`` made the table.

Parts of the source that are no wider than a voxel are taken together: ``rubrospinal`` holds its lateral reticulospinal
tract, ``anterolateral`` the lateral vestibulospinal, ventral and ventrolateral reticulospinal and spino-olivary tracts,
``ventromedial`` the tectospinal and medial reticulospinal tracts and the medial longitudinal fasciculus.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import pandas as pd

from napari_spinalq.anatomy.figures import TractFigures
from napari_spinalq.vertebrae import level_number


@cache
def tract_figures() -> Mapping[int, Mapping[str, TractFigures]]:
    """Return the figures of the patient's right side, by vertebral level (1 = C1 .. 20 = L1) and part."""
    source = resources.files("napari_spinalq.anatomy") / "tract_figures.csv"
    with resources.as_file(source) as path:
        table = pd.read_csv(path)
    figures: dict[int, dict[str, TractFigures]] = {}
    for level, part, *numbers in table.itertuples(index=False, name=None):
        figures.setdefault(level_number(level), {})[part] = TractFigures(*numbers)
    return figures
