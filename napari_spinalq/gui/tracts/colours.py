"""Colours of tracts: the palette of Okabe and Ito, which every kind of colour vision tells apart."""

from __future__ import annotations

from napari_spinalq.tracts.maps import TractMaps, TractTissue

OUTLINE_MM, OUTLINED_MM = 0.15, 0.35
"""Widths of lines, mm: thin enough to see the map beneath, and the tract that was clicked stands out."""

HALO, HALO_WIDTH = (0.0, 0.0, 0.0, 0.85), 2.4
"""Drawn beneath each line, and as many times as wide: a line is seen on a map of its own colour, too."""

KINDS = (
    ("lateral_cst", "Lat. CST", "#D55E00"),
    ("ventral_cst", "Ventral CST", "#F0E442"),
    ("dorsal_columns", "Dorsal col.", "#56B4E9"),
    ("grey_matter", "GM", "#009E73"),
)
"""Key, title and colour of what is told apart on the image: vermilion, yellow, sky blue, bluish green."""

OTHER_TITLE, OTHER_COLOUR = "other WM", "#CC79A7"
"""Reddish purple."""

WITHIN = {
    "gracilis": "dorsal_columns",
    "cuneatus": "dorsal_columns",
    "ventral_horn": "grey_matter",
    "intermediate": "grey_matter",
    "dorsal_horn": "grey_matter",
}
"""Single tracts that belong to one of those."""

SIDES = ("_left", "_right")


def colour_of(key: str) -> str:
    """Return the colour of a tract or group.

    Examples
    --------
    >>> colour_of("gracilis_left") == colour_of("dorsal_columns")
    True
    """
    kind = kind_of(key)
    return next((colour for name, _, colour in KINDS if name == kind), OTHER_COLOUR)


def kind_of(key: str) -> str:
    """Return the key without its side, and for a part of one of :data:`KINDS` that one."""
    bare = next((key.removesuffix(side) for side in SIDES if key.endswith(side)), key)
    return WITHIN.get(bare, bare)


def legend_of(keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return title and colour of what is drawn."""
    kinds = {kind_of(key) for key in keys}
    known = [(title, colour) for name, title, colour in KINDS if name in kinds]
    return known + ([(OTHER_TITLE, OTHER_COLOUR)] if kinds - {name for name, _, _ in KINDS} else [])


def contoured(tracts: TractMaps, *, everything: bool) -> tuple[str, ...]:
    """Return the keys whose contours are drawn: the main structures side by side, or every single tract.

    An atlas that lacks the main ones is drawn tract by tract.
    """
    keys = {one.key for one in (*tracts.tracts, *tracts.groups)}
    main = [key for name, _, _ in KINDS for key in _side_by_side(name, keys)]
    if main and not everything:
        return tuple(main)
    return tuple(tract.key for tract in tracts.tracts if tract.tissue is not TractTissue.CSF)


def _side_by_side(name: str, keys: set[str]) -> list[str]:
    """Return left and right of a structure, or the whole where an atlas does not tell the sides apart."""
    sides = [name + side for side in SIDES if name + side in keys]
    return sides or [key for key in (name,) if key in keys]
