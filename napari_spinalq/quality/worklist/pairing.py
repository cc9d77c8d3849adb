"""Finding the image that a file of results was made on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import NIFTI_ENDINGS, entities, is_scan
from napari_spinalq.io.nifti import load_grid
from napari_spinalq.io.sidecar import read_record, source_names
from napari_spinalq.quality.worklist.naming import ResultName, result_name, stem_of
from napari_spinalq.scan import file_sha256, place_of

RAW_NAMES = ("rawdata", "raw", "data_processed", "data")
"""What the folder of the images is called where it lies beside the derivatives: BIDS's own study layout, and that of
``sct_run_batch``."""

LEVELS_UP = 2
"""Derivatives lie in ``dataset/derivatives/name``: the dataset is two folders above them."""


class ScanIndex:
    """The scans anywhere in some folders, by name; the folders are gone through once, when first asked.

    Parameters
    ----------
    folders : sequence of Path
        Where to look.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def named(self, names: Sequence[str]) -> list[Path]:
        """Return all scans of the first of these names (without ending) that any has."""
        return next((self._files[name] for name in names if name in self._files), [])

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted({place_of(file) for folder in self._folders for file in folder.rglob("*.nii*")}):
            if _is_image(path):
                found.setdefault(stem_of(path), []).append(path)
        return found


def scans_around(folder: Path, images: Path | None = None) -> ScanIndex:
    """Return the scans among which those of a folder of results are, wherever they lie.

    Parameters
    ----------
    folder : Path
        The folder of results: the scans are in it, or in the dataset above ``derivatives``.
    images : Path, optional
        If given, they are there.
    """
    if images is not None:
        return ScanIndex([images])
    above = [parent.parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.name == "derivatives"]
    return ScanIndex([folder, *above])


def image_of(path: Path, name: ResultName, images: Path | None = None, known: ScanIndex | None = None) -> Path:
    """Return the image of a file of results.

    It is what the sidecar names as source; else the scan that has the name of the file without what was added to it;
    else the only scan that shares its BIDS entities. It is looked for in ``images``, beside the file, in the same place
    of the dataset above, and last, by its name, anywhere among the known scans.

    Parameters
    ----------
    path : Path
        A mask, a label map or a table of discs.
    name : ResultName
        What its name tells.
    images : Path, optional
        Where the images lie, if not beside or above the results.
    known : ScanIndex, optional
        Scans to be looked through if there is none in these places.

    Raises
    ------
    InputError
        If there is none, several fit, or it lies on another grid.
    """
    folders = list(dict.fromkeys(_folders(path, images)))
    roots = list(dict.fromkeys(_roots(path, images)))
    named = [source for source in source_names(path) if source.lower().endswith(NIFTI_ENDINGS)]
    candidates = (
        _sources(named, folders, roots)
        or _by_name(name, folders)
        or (known.named(name.image_names) if known else [])
        or _by_entities(name, folders)
    )
    if not candidates:
        wanted = Path(named[0]).name if named else f"{name.scan_name}.nii.gz"
        raise InputError(
            f"No image was found for {path.name}: {wanted} lies neither beside it nor in its dataset; say where the "
            "images are."
        )
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
        same = _recorded(same, path) or same
    if len(same) > 1:
        names = ", ".join(one.name for one in same)
        raise InputError(f"Several images fit {path.name} ({names}); name one under Sources in its sidecar.")
    return same[0]


def _recorded(candidates: Sequence[Path], path: Path) -> list[Path]:
    """Return the candidate whose checksum stands in the record of the file."""
    record = read_record(path)
    wanted = record.source_sha256 if record else ""
    return [one for one in candidates if wanted and file_sha256(one) == wanted][:1]


def _is_image(path: Path) -> bool:
    return is_scan(path) and result_name(stem_of(path)) is None


def _sources(named: Sequence[str], folders: Sequence[Path], roots: Sequence[Path]) -> list[Path]:
    """Return the first named source that is there; a BIDS URI is ``bids:<dataset>:<path>``."""
    for source in named:
        relative = source.split(":", 2)[-1] if source.startswith("bids:") else source
        places = [root / relative for root in roots] + [folder / Path(relative).name for folder in folders]
        found = [place_of(place) for place in places if place.is_file() and is_scan(place)]
        if found:
            return found[:1]
    return []


def _by_name(name: ResultName, folders: Sequence[Path]) -> list[Path]:
    for stem in name.image_names:
        for folder in folders:
            found = [folder / f"{stem}{ending}" for ending in NIFTI_ENDINGS]
            there = [place_of(path) for path in found if path.is_file()]
            if there:
                return there[:1]
    return []


def _by_entities(name: ResultName, folders: Sequence[Path]) -> list[Path]:
    wanted = name.image_entities
    if not wanted or name.tells_contrast:
        return []
    found = [
        place_of(path)
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and _is_image(path) and entities(path.name) == wanted
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
    """Yield the folders in which the image may lie: those in ``images``, which a person named, then the nearest."""
    subject = next((parent for parent in path.parents if parent.name.startswith("sub-")), None)
    if images is None:
        yield path.parent
    for root in _roots(path, images):
        if subject is not None:
            yield from _of_subject(root, path.relative_to(subject.parent).parts[:-1])
        elif root == images:
            yield root
            yield from (folder for folder in _parallel(path, images) if folder.is_dir())
    yield path.parent


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
