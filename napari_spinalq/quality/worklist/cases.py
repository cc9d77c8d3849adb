"""The cases of a folder of results: which mask belongs to which image, and in which order they are looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.io.bids import entities
from napari_spinalq.progress import Progress, silent
from napari_spinalq.quality.worklist.naming import CORD, MASKS, result_files, result_name, stem_of
from napari_spinalq.quality.worklist.pairing import image_of, scans_around

KNOWN_NAMES = "*_label-cord_mask, *_label-SC_mask, *_label-SC_seg, *_seg, *_dseg (.nii or .nii.gz)"


Identity = tuple[str, str, str]
"""Subject, session and scan; the first two may be empty."""


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

    @property
    def identity(self) -> Identity:
        """Subject, session and scan by the names of files and folders."""
        return _identity(self.mask, stem_of(self.image))


@dataclass(frozen=True)
class Unpaired:
    """A mask of ``kind`` that cannot be rated, and why (one sentence)."""

    mask: Path
    reason: str
    kind: str = CORD

    @property
    def identity(self) -> Identity:
        """Subject, session and scan by the names of files and folders."""
        name = result_name(stem_of(self.mask))
        return _identity(self.mask, name.scan_name if name else stem_of(self.mask))


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
    names (:func:`~napari_spinalq.quality.worklist.naming.result_name`).

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
    results, unpaired = _paired(folder, list(result_files(folder)), place, progress)
    masks = [one for one in results if one.kind == CORD]
    unpaired += _without_cord(results, {one.image for one in masks})
    if not masks and not unpaired:
        raise no_cord_mask(folder)
    return Found(folder, _cases(masks, results, folder), tuple(sorted(unpaired, key=lambda one: str(one.mask))))


def find_case(mask: Path, images: Path | None = None) -> Found:
    """Find the image of one cord mask, and what else was made on it beside the mask, or why that cannot be used.

    Parameters
    ----------
    mask : Path
        The mask.
    images : Path, optional
        Where the images lie, if not beside or above it.

    Raises
    ------
    InputError
        If it does not have the name of a cord mask, or its image is not found.
    """
    name = result_name(stem_of(mask))
    if name is None or name.kind != CORD:
        raise InputError(f"{mask.name} does not have the name of a cord mask ({KNOWN_NAMES}), which tells its image.")
    beside = [path for path in result_files(mask.parent, deep=False) if path != mask]
    results, unpaired = _paired(mask.parent, [mask, *beside], images, silent)
    reason = next((one.reason for one in unpaired if one.mask == mask), None)
    if reason is not None:
        raise InputError(reason)
    lost = [one for one in unpaired if one.identity == Unpaired(mask, "").identity]
    return Found(mask.parent, _cases(results[:1], results, mask.parent), tuple(lost))


def no_cord_mask(folder: Path) -> InputError:
    """Return the refusal of a folder without any cord mask."""
    return InputError(f"{folder} holds no cord mask ({KNOWN_NAMES}); choose a folder of results.")


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


def _paired(
    folder: Path, files: Sequence[Path], images: Path | None, progress: Progress
) -> tuple[list[_Result], list[Unpaired]]:
    """Find the image of each file that has the name of a result; tell of masks why they have none."""
    named = [(path, name) for path in files if (name := result_name(stem_of(path))) is not None]
    known = scans_around(folder, images)
    results, unpaired = list[_Result](), list[Unpaired]()
    for number, (path, name) in enumerate(named):
        progress(number / len(named), path.name)
        try:
            results.append(_Result(path, name.kind, image_of(path, name, images, known)))
        except InputError as error:
            unpaired += [Unpaired(path, str(error), name.kind)] * (name.kind in MASKS)
    return results, unpaired


def _identity(mask: Path, scan: str) -> Identity:
    """Return what the name of a scan tells, else the folders of its mask."""
    parts = [part.partition("-") for part in mask.resolve().parts if part.startswith(("sub-", "ses-"))]
    told = {**{kind: label for kind, _, label in parts}, **entities(scan)}
    return told.get("sub", ""), told.get("ses", ""), scan


def _without_cord(results: Sequence[_Result], covered: set[Path]) -> list[Unpaired]:
    """List grey matter and canals of images that have no cord mask: nothing can be measured without it."""
    return [
        Unpaired(
            one.path, f"{one.path.name} has no cord mask of the same image beside it; segment the cord first.", one.kind
        )
        for one in results
        if one.kind in MASKS and one.image not in covered
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
    """Return what else was made on the image of a mask; of two of a kind, the one in the folder of the mask.

    Where several made a cord, grey matter and canal are taken from the folder of each alone: they are judged against
    the cord that they were drawn in.
    """
    own = [one for one in results if one.image == mask.image]
    only_cord = sum(one.kind == CORD for one in own) == 1
    near = {one.path for one in own if one.path.parent == mask.path.parent}
    others = [one for one in own if one.kind != CORD and (one.path in near or only_cord or one.kind not in MASKS)]
    return {one.kind: one.path for one in sorted(others, key=lambda one: one.path in near)}
