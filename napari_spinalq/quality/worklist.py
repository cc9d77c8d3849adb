"""The cases of a folder of results: which mask belongs to which image, and in which order they are looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import NIFTI_ENDINGS
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.naming import CANAL, CORD, GM, ResultName, result_name
from napari_spinalq.quality.pairing import image_of, stem_of

KNOWN_NAMES = "*_label-cord_mask, *_label-SC_mask, *_label-SC_seg, *_seg, *_dseg (.nii or .nii.gz)"


@dataclass(frozen=True)
class ListedCase:
    """A cord mask to be rated, and the image it was made on.

    Attributes
    ----------
    name : str
        What tells it from the others of its folder.
    image, mask : Path
        The files.
    beside : mapping of str to Path
        What else was made on the image: ``"gm"``, ``"canal"``, ``"levels"``, ``"discs"``.
    """

    name: str
    image: Path
    mask: Path
    beside: Mapping[str, Path] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Unpaired:
    """A mask that cannot be rated, and why (one sentence)."""

    mask: Path
    reason: str


@dataclass(frozen=True)
class Found:
    """What a folder of results holds.

    Attributes
    ----------
    folder : Path
        The folder.
    cases : tuple of ListedCase
        By name.
    unpaired : tuple of Unpaired
        Masks that cannot be shown, and why.
    """

    folder: Path
    cases: tuple[ListedCase, ...]
    unpaired: tuple[Unpaired, ...] = ()


@dataclass(frozen=True)
class _Result:
    path: Path
    kind: str
    image: Path


def find_cases(folder: str | Path, images: str | Path | None = None, progress: Progress = silent) -> Found:
    """Find the cord masks of a folder of results and the image of each.

    Results of this package, of Spinal Cord Toolbox (masks beside the image) and BIDS derivatives are known by their
    names (:func:`~napari_spinalq.quality.naming.result_name`).

    Parameters
    ----------
    folder : str or Path
        A folder of results, or a dataset that holds some.
    images : str or Path, optional
        Where the images lie, if not beside or above the results.
    progress : Progress
        Told how far the work is.

    Raises
    ------
    InputError
        If a folder is not there, or no cord mask is in it.
    """
    folder = _checked(Path(folder))
    place = _checked(Path(images)) if images is not None else None
    named = [(path, name) for path in _files(folder) if (name := result_name(stem_of(path))) is not None]
    results, unpaired = list[_Result](), list[Unpaired]()
    for number, (path, name) in enumerate(named):
        progress(number / len(named), path.name)
        try:
            results.append(_Result(path, name.kind, image_of(path, name, place)))
        except InputError as error:
            unpaired += [Unpaired(path, str(error))] * _is_mask(name)
    masks = [one for one in results if one.kind == CORD]
    unpaired += _without_cord(results, {one.image for one in masks})
    if not masks and not unpaired:
        raise InputError(f"{folder} holds no cord mask ({KNOWN_NAMES}); choose a folder of results.")
    return Found(folder, _cases(masks, results, folder), tuple(sorted(unpaired, key=lambda one: str(one.mask))))


def worst_first(
    cases: Iterable[ListedCase],
    suspicion: Callable[[ListedCase], float | None],
    failed: Callable[[ListedCase], bool] = lambda _: False,
) -> list[ListedCase]:
    """Order cases: those that cannot be measured, then by suspicion, the greatest first, then those not read yet.

    Parameters
    ----------
    cases : iterable of ListedCase
        In any order.
    suspicion : callable
        0..1; None while it is not known.
    failed : callable
        Whether a case cannot be measured.
    """

    def key(case: ListedCase) -> tuple[int, float, str]:
        value = suspicion(case)
        if failed(case):
            return 0, 0.0, case.name
        return (2, 0.0, case.name) if value is None else (1, -value, case.name)

    return sorted(cases, key=key)


def next_unrated(
    ordered: Sequence[ListedCase], rated: Callable[[ListedCase], bool], current: ListedCase | None
) -> ListedCase | None:
    """Return the first case of the order that is not rated yet and not the one at hand; None if none is left."""
    return next((case for case in ordered if case != current and not rated(case)), None)


def coming_up(
    ordered: Sequence[ListedCase], rated: Callable[[ListedCase], bool], current: ListedCase | None, count: int
) -> tuple[ListedCase, ...]:
    """Return the cases that are likely to be looked at next: those to be rated, then the neighbours in the list."""
    waiting = [case for case in ordered if case != current and not rated(case)]
    place = ordered.index(current) if current in ordered else -1
    neighbours = [*ordered[place + 1 : place + 2], *ordered[max(place - 1, 0) : max(place, 0)]]
    return tuple(dict.fromkeys([*waiting[:count], *neighbours]))[:count]


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}; choose a folder of results.")
    return folder


def _files(folder: Path) -> list[Path]:
    """Return the NIfTI files and disc tables of a folder and those in it; hidden ones are left out."""
    found = (path for path in folder.rglob("*") if path.name.lower().endswith((*NIFTI_ENDINGS, "_discs.tsv")))
    visible = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in visible if path.is_file())


def _is_mask(name: ResultName) -> bool:
    return name.kind in (CORD, GM, CANAL)


def _without_cord(results: Sequence[_Result], covered: set[Path]) -> list[Unpaired]:
    """List grey matter and canals of images that have no cord mask: nothing can be measured without it."""
    return [
        Unpaired(one.path, f"{one.path.name} has no cord mask of the same image beside it; segment the cord first.")
        for one in results
        if one.kind in (GM, CANAL) and one.image not in covered
    ]


def _cases(masks: Sequence[_Result], results: Sequence[_Result], folder: Path) -> tuple[ListedCase, ...]:
    short = {one.path: stem_of(one.image) for one in masks}
    count = Counter(short.values())
    cases = [
        ListedCase(
            short[one.path] if count[short[one.path]] == 1 else _long_name(one.path, folder),
            one.image,
            one.path,
            _beside(one, results),
        )
        for one in masks
    ]
    return tuple(sorted(cases, key=lambda case: case.name))


def _long_name(mask: Path, folder: Path) -> str:
    relative = mask.relative_to(folder)
    return (relative.parent / stem_of(mask)).as_posix()


def _beside(mask: _Result, results: Sequence[_Result]) -> dict[str, Path]:
    """Return what else was made on the image of a mask; of two of a kind, the one in the folder of the mask."""
    others = [one for one in results if one.image == mask.image and one.kind != CORD]
    far_first = sorted(others, key=lambda one: one.path.parent == mask.path.parent)
    return {one.kind: one.path for one in far_first}
