"""Measure the figures that the built-in atlas is drawn from.

``python -m training.tract_figures PAM50/atlas`` writes ``napari_spinalq/anatomy/tract_figures.csv``: area, centroid and
second moments of each part per level, the mean of both sides, in normalised cord coordinates. No map is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import napari_spinalq.anatomy
from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.tracts.folder import read_atlas
from napari_spinalq.tracts.parts import PARTS, SIDES, Side
from napari_spinalq.vertebrae import level_name

TABLE = Path(napari_spinalq.anatomy.__file__).parent / "tract_figures.csv"

MEMBERS = {
    "rubrospinal": ("rubrospinal", "lateral_reticulospinal"),
    "anterolateral": (
        "spino_olivary",
        "ventrolateral_reticulospinal",
        "lateral_vestibulospinal",
        "ventral_reticulospinal",
    ),
    "ventromedial": ("tectospinal", "medial_reticulospinal", "medial_longitudinal_fasciculus"),
}
"""Parts of the source that are one part here; the others keep their names."""

SAMPLES = np.linspace(-1, 1, 201)
"""Where moments are taken, normalised."""


def main() -> None:
    """Read the atlas and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="PAM50 atlas folder, with template/ beside it")
    atlas = read_atlas(parser.parse_args().folder)
    rows = [
        (level_name(level), part.name, *np.mean([moments(atlas, level, part.name, side) for side in SIDES], axis=0))
        for level in atlas.levels
        for part in PARTS
    ]
    names = ["level", "part", "area_fraction", "x", "y", "var_x", "var_y", "cov_xy"]
    pd.DataFrame(rows, columns=names).to_csv(TABLE, index=False, float_format="%.5f", lineterminator="\n")
    print(f"{len(rows)} rows in {TABLE}")


def moments(atlas: Atlas, level: int, part: str, side: Side) -> NDArray[np.float64]:
    """Return area fraction, centroid and second central moments of a part as if it lay on the right, shape (6,)."""
    x, y = np.meshgrid(SAMPLES, SAMPLES, indexing="ij")
    shares = atlas.shares(level, x, y)[:-1]
    keys = [tract.key for tract in atlas.tracts]
    mass = sum(shares[keys.index(f"{member}_{side}")] for member in MEMBERS.get(part, (part,))).astype(float)
    x = x if side is Side.RIGHT else -x
    mean_x, mean_y = (float((mass * place).sum() / mass.sum()) for place in (x, y))
    products = ((x - mean_x) ** 2, (y - mean_y) ** 2, (x - mean_x) * (y - mean_y))
    spread = [float((mass * product).sum() / mass.sum()) for product in products]
    return np.array([mass.sum() / shares.sum(), mean_x, mean_y, *spread])


if __name__ == "__main__":
    main()
