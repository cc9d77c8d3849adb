"""The parts of the built-in atlas, and which of them are read as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractTissue

SIDES = (Side.LEFT, Side.RIGHT)


@dataclass(frozen=True)
class Part:
    """A part that the cord has on both sides.

    Attributes
    ----------
    name, title : str
        In keys, and as people read it.
    tissue : TractTissue
        White or grey matter.
    column : str
        The group of white matter that it belongs to; empty for grey matter.
    """

    name: str
    title: str
    tissue: TractTissue
    column: str = ""


DORSAL, LATERAL, VENTRAL = "dorsal_columns", "lateral_funiculi", "ventral_funiculi"
COLUMN_TITLES = {DORSAL: "Dorsal columns", LATERAL: "Lateral funiculi", VENTRAL: "Ventral funiculi"}
TISSUE_TITLES = {"white_matter": "White matter", "grey_matter": "Grey matter"}

PARTS = (
    Part("gracilis", "Fasciculus gracilis", TractTissue.WM, DORSAL),
    Part("cuneatus", "Fasciculus cuneatus", TractTissue.WM, DORSAL),
    Part("lateral_cst", "Lateral CST", TractTissue.WM, LATERAL),
    Part("spinocerebellar_ventral", "Ventral spinocerebellar tract", TractTissue.WM, LATERAL),
    Part("rubrospinal", "Rubrospinal and lateral reticulospinal tracts", TractTissue.WM, LATERAL),
    Part("spinothalamic", "Spinothalamic tract (spinal lemniscus)", TractTissue.WM, LATERAL),
    Part("ventral_cst", "Ventral CST", TractTissue.WM, VENTRAL),
    Part("anterolateral", "Vestibulospinal, reticulospinal and spino-olivary tracts", TractTissue.WM, VENTRAL),
    Part("ventromedial", "Tectospinal tract and medial longitudinal fasciculus", TractTissue.WM, VENTRAL),
    Part("ventral_horn", "Ventral horn", TractTissue.GM),
    Part("intermediate", "Intermediate zone", TractTissue.GM),
    Part("dorsal_horn", "Dorsal horn", TractTissue.GM),
)
"""Parts of one side, from posterior white matter to grey matter."""

CSF = Tract("csf", "CSF", Side.BOTH, TractTissue.CSF)


def tract_of(part: Part, side: Side) -> Tract:
    """Return a part on one side."""
    return Tract(f"{part.name}_{side.value}", f"{part.title}, {side.value}", side, part.tissue)


def builtin_tracts() -> tuple[Tract, ...]:
    """Return every part, left before right, and the CSF as the last."""
    return (*(tract_of(part, side) for part in PARTS for side in SIDES), CSF)


def groups_of(tracts: Iterable[Tract], parts: Iterable[Part] = PARTS) -> tuple[TractGroup, ...]:
    """Return what is read as one: the cord, its tissues, its columns by side and whole, and both sides of a part.

    Parameters
    ----------
    tracts : iterable of Tract
        What an atlas holds; a group without any member in it is left out.
    parts : iterable of Part
        Names and columns of its parts.
    """
    held = list(tracts)
    groups = tissue_groups(held)
    known = list(parts)
    for column, title in COLUMN_TITLES.items():
        groups += _sided(column, title, [part.name for part in known if part.column == column], held)
    groups += [group for part in known for group in _sided(part.name, part.title, [part.name], held)[:1]]
    return tuple(group for group in groups if group.members)


def tissue_groups(tracts: Iterable[Tract]) -> list[TractGroup]:
    """Return the cord, its white and its grey matter, and either on each side."""
    held = list(tracts)
    cord = [one for one in held if one.tissue is not TractTissue.CSF]
    groups = [TractGroup("cord", "Cord", Side.BOTH, tuple(one.key for one in cord))]
    for key, tissue in (("white_matter", TractTissue.WM), ("grey_matter", TractTissue.GM)):
        parts, title = [one for one in cord if one.tissue is tissue], TISSUE_TITLES[key]
        groups.append(TractGroup(key, title, Side.BOTH, tuple(one.key for one in parts)))
        for side in SIDES:
            members = tuple(one.key for one in parts if one.side is side)
            groups.append(TractGroup(f"{key}_{side}", f"{title}, {side}", side, members))
    return groups


def _sided(key: str, title: str, names: list[str], held: list[Tract]) -> list[TractGroup]:
    """Return a group of both sides, and of each."""
    by_side = {
        side: tuple(one.key for one in held if one.side is side and one.key in {f"{name}_{side}" for name in names})
        for side in SIDES
    }
    both = TractGroup(key, title, Side.BOTH, tuple(member for side in SIDES for member in by_side[side]))
    alone = [TractGroup(f"{key}_{side}", f"{title}, {side}", side, members) for side, members in by_side.items()]
    return [both, *alone]
