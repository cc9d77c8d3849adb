"""Draw docs/images/atlas.png: the parts of the built-in atlas at five levels, as a radiologist sees them."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.parts import PARTS
from napari_spinalq.vertebrae import level_name

LEVELS = {2: 0.63, 4: 0.59, 7: 0.59, 13: 0.70, 20: 0.76}
"""Level, and the ratio of the cord's diameters there (anterior-posterior over right-left)."""

COLOURS = {
    "gracilis": "#4477aa",
    "cuneatus": "#66ccee",
    "lateral_cst": "#ee3333",
    "spinocerebellar_ventral": "#999933",
    "rubrospinal": "#cc99bb",
    "spinothalamic": "#228833",
    "ventral_cst": "#ff8800",
    "anterolateral": "#ddcc77",
    "ventromedial": "#aa6688",
    "ventral_horn": "#333333",
    "intermediate": "#777777",
    "dorsal_horn": "#bbbbbb",
}
AXIS = np.linspace(-1.05, 1.05, 421)


def main() -> None:
    """Draw one panel a level; names stand on the patient's right half."""
    figure, panels = plt.subplots(1, len(LEVELS), figsize=(30, 5.4))
    for panel, (level, ratio) in zip(panels, LEVELS.items(), strict=True):
        _draw(panel, builtin_atlas(), level, ratio)
    figure.tight_layout()
    figure.savefig(Path(__file__).parent / "images" / "atlas.png", dpi=60)


def _draw(panel: Axes, atlas: Atlas, level: int, ratio: float) -> None:
    x, y = np.meshgrid(AXIS, AXIS, indexing="ij")
    shares = dict(zip([tract.key for tract in atlas.tracts], atlas.shares(level, x, y), strict=True))
    picture = shares["csf"][..., None] * np.ones(3)
    for part in PARTS:
        right, left = shares[f"{part.name}_right"], shares[f"{part.name}_left"]
        colour = np.array(to_rgb(COLOURS[part.name]))
        picture += right[..., None] * colour + left[..., None] * (0.6 * colour + 0.4)
        place = [(right * along).sum() / right.sum() for along in (x, y)]
        panel.text(*place, part.name.replace("_", "\n"), ha="center", va="center", fontsize=9)
    panel.imshow(picture.transpose(1, 0, 2).clip(0, 1), origin="lower", extent=(-1.05, 1.05, -1.05, 1.05), aspect=ratio)
    panel.invert_xaxis()
    panel.text(1.0, 0.9, "R", fontsize=14)
    panel.text(-0.9, 0.9, "L", fontsize=14)
    panel.set_title(level_name(level))
    panel.set_axis_off()


if __name__ == "__main__":
    main()
