"""Finding the image that a file of results was made on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import entities, is_scan
from napari_spinalq.io.nifti import NIFTI_ENDINGS, load_grid
from napari_spinalq.io.sidecar import sidecar_path
from napari_spinalq.quality.naming import ResultName

RAW_NAMES = ("rawdata", "raw", "data_processed", "data")
"""What the folder of the images is called where it lies beside the derivatives: BIDS's own study layout, and that of
``sct_run_batch``."""

LEVELS_UP = 2
"""Derivatives lie in ``dataset/derivatives/name``: the dataset is two folders above them."""


def stem_of(path: Path) -> str:
    """Return the name of a NIfTI file or a table without its ending."""
    for ending in (*sorted(NIFTI_ENDINGS, key=len, reverse=True), ".tsv"):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def image_of(path: Path, name: ResultName, images: Path | None = None) -> Path:
    """Return the image of a file of results.

    It is what the sidecar names as source; else the scan that has the name of the file without what was added to it;
    else the only scan that shares its BIDS entities. It is looked for beside the file, in the same place of the dataset
    above, and in ``images``.

    Parameters
    ----------
    path : Path
        A mask, a label map or a table of discs.
    name : ResultName
        What its name tells.
    images : Path, optional
        Where the images lie, if not beside or above the results.

    Raises
    ------
    InputError
        If there is none, several fit, or it lies on another grid.
    """
    folders = list(dict.fromkeys(_folders(path, images)))
    roots = list(dict.fromkeys(_roots(path, images)))
    named = _named_sources(path)
    tiers = (_sources(named, folders, roots), _by_name(name, folders), _by_entities(name, folders))
    candidates = next((tier for tier in tiers if tier), [])
    if not candidates:
        wanted = Path(named[0]).name if named else f"{name.image_names[0]}.nii.gz"
        raise InputError(f"No image was found for {path.name}: {wanted} lies neither beside it nor in its dataset.")
    return _one_of(candidates, path)


def _one_of(candidates: Sequence[Path], path: Path) -> Path:
    """Return the only candidate on the grid of the file."""
    if path.suffix == ".tsv":  # without a grid of its own
        if len(candidates) > 1:
            raise InputError(f"{path.name} could belong to any of {len(candidates)} images.")
        return candidates[0]
    grid = load_grid(path)
    fitting = [(one, grid.difference(load_grid(one))) for one in candidates]
    same = [one for one, difference in fitting if not difference]
    if not same:
        first, difference = fitting[0]
        raise InputError(f"{path.name} lies on another grid than its image {first.name}: {difference}.")
    if len(same) > 1:
        names = ", ".join(one.name for one in same)
        raise InputError(f"Several images fit {path.name} ({names}); name one under Sources in its sidecar.")
    return same[0]


def _named_sources(path: Path) -> list[str]:
    """Return the sources that the sidecar names: BIDS lists paths or URIs, this package names with checksums."""
    beside = sidecar_path(path)
    if not beside.is_file():
        return []
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"The sidecar {beside} is not readable JSON; mend or remove it.") from None
    listed = [source for key in ("Sources", "RawSources") for source in _listed(content, key)]
    names = [str(one.get("File") or "") if isinstance(one, dict) else str(one) for one in listed]
    return [name for name in names if name.lower().endswith(NIFTI_ENDINGS)]


def _listed(content: Any, key: str) -> list[Any]:
    value = content.get(key, []) if isinstance(content, dict) else []
    return value if isinstance(value, list) else [value]


def _sources(named: Sequence[str], folders: Sequence[Path], roots: Sequence[Path]) -> list[Path]:
    """Return the first named source that is there; a BIDS URI is ``bids:<dataset>:<path>``."""
    for source in named:
        relative = source.split(":", 2)[-1] if source.startswith("bids:") else source
        places = [root / relative for root in roots] + [folder / Path(relative).name for folder in folders]
        found = [place.resolve() for place in places if place.is_file() and is_scan(place)]
        if found:
            return found[:1]
    return []


def _by_name(name: ResultName, folders: Sequence[Path]) -> list[Path]:
    for stem in name.image_names:
        for folder in folders:
            found = [folder / f"{stem}{ending}" for ending in NIFTI_ENDINGS]
            there = [path.resolve() for path in found if path.is_file()]
            if there:
                return there[:1]
    return []


def _by_entities(name: ResultName, folders: Sequence[Path]) -> list[Path]:
    wanted = name.image_entities
    if not wanted:
        return []
    found = [
        path.resolve()
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and is_scan(path) and entities(path.name) == wanted
    ]
    return list(dict.fromkeys(found))


def _roots(path: Path, images: Path | None) -> Iterator[Path]:
    """Yield the folders in which subjects may lie: the given one, that of the file's subject, and those above it."""
    if images is not None:
        yield images
    subject = next((parent for parent in path.parents if parent.name.startswith("sub-")), None)
    place = subject.parent if subject else path.parent
    for above in [place, *list(place.parents)[:LEVELS_UP]]:
        yield above
        yield from (above / name for name in RAW_NAMES if (above / name).is_dir())


def _folders(path: Path, images: Path | None) -> Iterator[Path]:
    """Yield the folders in which the image may lie, the nearest first."""
    yield path.parent
    subject = next((parent for parent in path.parents if parent.name.startswith("sub-")), None)
    for root in _roots(path, images):
        if subject is not None:
            yield from _of_subject(root, path.relative_to(subject.parent).parts[:-1])
        elif root == images:
            yield root
            yield from (folder for folder in _parallel(path, images) if folder.is_dir())


def _of_subject(root: Path, parts: Sequence[str]) -> Iterable[Path]:
    """Yield the folders of a subject (and session) in a dataset; the data type of the results may differ."""
    place = root.joinpath(*(part for part in parts if part.startswith(("sub-", "ses-"))))
    if place.is_dir():
        yield from (folder for folder in (root.joinpath(*parts), place) if folder.is_dir())
        yield from sorted(
            folder for folder in place.iterdir() if folder.is_dir() and not folder.name.startswith("ses-")
        )


def _parallel(path: Path, images: Path) -> Iterator[Path]:
    """Yield the folders in ``images`` that are called like those in which the file lies."""
    parents = path.parent.parts
    return (images.joinpath(*parents[-depth:]) for depth in (1, 2) if depth < len(parents))
