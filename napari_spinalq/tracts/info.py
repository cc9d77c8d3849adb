"""Reading ``info_label.txt``: which file of an atlas folder holds which part, and which parts belong together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractTissue
from napari_spinalq.tracts.parts import COLUMN_TITLES, CSF, PARTS, SIDES, TISSUE_TITLES, tissue_groups

INFO_FILE = "info_label.txt"

KNOWN_NAMES = {
    "fasciculus gracilis": "gracilis",
    "fasciculus cuneatus": "cuneatus",
    "lateral corticospinal tract": "lateral_cst",
    "ventral spinocerebellar tract": "spinocerebellar_ventral",
    "rubrospinal tract": "rubrospinal",
    "spinal lemniscus": "spinothalamic",
    "ventral corticospinal tract": "ventral_cst",
    "ventral horn": "ventral_horn",
    "intermediate zone": "intermediate",
    "dorsal horn": "dorsal_horn",
    "spinal cord": "cord",
    "white matter": "white_matter",
    "gray matter": "grey_matter",
    "grey matter": "grey_matter",
    **{key.replace("_", " "): key for key in COLUMN_TITLES},
}
"""What the names of an info file are called here, once tissue, side and remarks in brackets are taken off."""

TITLES = {part.name: part.title for part in PARTS} | {
    "rubrospinal": "Rubrospinal tract",
    "cord": "Cord",
    **TISSUE_TITLES,
    **COLUMN_TITLES,
}
"""How people read these; a folder may hold the rubrospinal tract by itself."""


@dataclass(frozen=True)
class AtlasInfo:
    """What an info file tells.

    Attributes
    ----------
    tracts : tuple of Tract
        Parts in the order of the file, but CSF as the last.
    files : mapping of str to str
        File name of each tract, by its key.
    groups : tuple of TractGroup
        The two sides of each part, and the combined labels of the file with their two sides.
    """

    tracts: tuple[Tract, ...]
    files: Mapping[str, str]
    groups: tuple[TractGroup, ...]


def read_info(folder: Path) -> AtlasInfo:
    """Read the info file of an atlas folder.

    Parameters
    ----------
    folder : Path
        Holds ``info_label.txt`` with the sections ``IndivLabels`` (number, name, file) and, optionally,
        ``CombinedLabels`` (number, name, numbers of its members such as ``0:3``); others are passed over.

    Raises
    ------
    InputError
        If folder or file are missing, a line cannot be read, or two labels have one number or one name.
    """
    path = folder / INFO_FILE
    if not path.is_file():
        raise InputError(f"{folder} holds no {INFO_FILE}, so it is no atlas folder; name the folder that has it.")
    sections = _sections(path)
    lines = sections.get("IndivLabels", [])
    labels = [_matched(r"(\d+)\s*,\s*(.+?)\s*,\s*(\S+)", line, path) for line in lines]
    if not labels:
        raise InputError(f"{path} lists no IndivLabels; take the file that came with the atlas.")
    combined = [_combined(line, path) for line in sections.get("CombinedLabels", [])]
    grey = {number for _, name, numbers in combined if _key(name)[0] == "grey_matter" for number in numbers}
    by_number = {int(number): _tract(name, int(number) in grey) for number, name, _ in labels}
    keys = [tract.key for tract in by_number.values()]
    if len(by_number) < len(labels) or len(set(keys)) < len(keys):
        twice = [key for key, count in Counter(keys).items() if count > 1] or ["a number"]
        raise InputError(f"{path} lists {twice[0]} twice; give each label one line.")
    tracts = sorted(by_number.values(), key=lambda tract: tract.tissue is TractTissue.CSF)
    if tracts[-1].tissue is not TractTissue.CSF:
        tracts.append(CSF)
    files = {by_number[int(number)].key: file for number, _, file in labels}
    groups = _groups({key: name for (_, name, _), key in zip(labels, keys, strict=True)}, by_number, combined, path)
    return AtlasInfo(tuple(tracts), files, groups)


def _sections(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    current = ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read as text; take the file that came with the atlas.") from None
    for line in lines:
        keyword = re.match(r"#\s*Keyword\s*=\s*(\w+)", line)
        if keyword:
            current = keyword[1]
        elif line.strip() and not line.startswith("#"):
            found.setdefault(current, []).append(line.strip())
    return found


def _matched(pattern: str, line: str, path: Path) -> tuple[str, ...]:
    found = re.fullmatch(pattern, line)
    if not found:
        raise InputError(f"{path} holds the line {line!r}, which is not number, name and file or members; mend it.")
    return found.groups()


def _combined(line: str, path: Path) -> tuple[int, str, tuple[int, ...]]:
    number, name, members = _matched(r"(\d+)\s*,\s*(.+?)\s*,\s*([\d:,\s]+)", line, path)
    numbers: list[int] = []
    for span in members.split(","):
        first, _, last = span.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    return int(number), name, tuple(numbers)


def _key(name: str) -> tuple[str, Side]:
    """Return a name's key without side, and its side.

    Examples
    --------
    >>> _key("WM left spinal lemniscus (spinothalamic and spinoreticular tracts)")
    ('spinothalamic', <Side.LEFT: 'left'>)
    """
    plain = re.sub(r"\([^)]*\)", " ", name.lower())
    side = next((one for one in SIDES if re.search(rf"\b{one.value}\b", plain)), Side.BOTH)
    plain = " ".join(re.sub(r"\b(wm|gm|left|right)\b", " ", plain).split())
    slug = re.sub(r"[^a-z0-9]+", "_", plain.removesuffix(" tract")).strip("_")
    return KNOWN_NAMES.get(plain, slug), side


def _title(key: str, name: str) -> str:
    if key in TITLES:
        return TITLES[key]
    plain = " ".join(re.sub(r"\b(WM|GM|left|right)\b", " ", name).split())
    return plain[:1].upper() + plain[1:]


def _tract(name: str, grey: bool) -> Tract:
    if re.search(r"\bCSF\b|cerebrospinal", name):
        return CSF
    key, side = _key(name)
    tissue = TractTissue.GM if grey or name.startswith("GM") else TractTissue.WM
    if side is Side.BOTH:
        return Tract(key, _title(key, name), side, tissue)
    return Tract(f"{key}_{side}", f"{_title(key, name)}, {side}", side, tissue)


def _one_side(group: TractGroup, side: Side, members: list[Tract]) -> TractGroup:
    keys = tuple(one.key for one in members if one.side is side)
    return TractGroup(f"{group.key}_{side}", f"{group.title}, {side}", side, keys)


def _groups(
    names: Mapping[str, str],
    tracts: Mapping[int, Tract],
    combined: list[tuple[int, str, tuple[int, ...]]],
    path: Path,
) -> tuple[TractGroup, ...]:
    groups: list[TractGroup] = []
    for _, name, numbers in combined:
        missing = [number for number in numbers if number not in tracts]
        if missing:
            raise InputError(f"{path} puts label {missing[0]} into {name!r} but does not list it; mend the file.")
        key, _ = _key(name)
        members = [tracts[number] for number in numbers]
        groups.append(TractGroup(key, _title(key, name), Side.BOTH, tuple(one.key for one in members)))
        if key in COLUMN_TITLES:
            groups += [_one_side(groups[-1], side, members) for side in SIDES]
    named = {group.key for group in groups}
    groups += [group for group in tissue_groups(tracts.values()) if group.key not in named and group.members]
    sided = {_key(name)[0]: name for key, name in names.items() if key.endswith("_left")}
    for base, name in sided.items():
        if f"{base}_right" in names:
            pair = (f"{base}_left", f"{base}_right")
            groups.append(TractGroup(base, _title(base, name), Side.BOTH, pair))
    return tuple(groups)
