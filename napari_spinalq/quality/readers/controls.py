"""Control rounds: good masks mixed with spoilt ones, to be rated without knowing which is which.

Every mask of a round is a copy under a name that says ``control``, in a folder of its own whose name says so too. Which
copies were spoilt stands in a key file elsewhere, sealed by a digest, and is needed only to score the ratings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_spinalq import __version__
from napari_spinalq.errors import InputError
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.bids import derived_name, entities
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.io.save import save_mask
from napari_spinalq.io.sidecar import TOOL, Provenance, sidecar_path
from napari_spinalq.quality.faults import MASK_FAULTS, inject
from napari_spinalq.quality.faults.case import Case
from napari_spinalq.quality.flags.checks import Check
from napari_spinalq.quality.readers.detection import Detection, share
from napari_spinalq.quality.readers.reads import CONTROL
from napari_spinalq.quality.worklist.ratings import Rating, Verdict, standing
from napari_spinalq.reopen import binary_mask
from napari_spinalq.scan import file_sha256

DESCRIPTION = "CONTROL mask of a blinded round for readers, perhaps spoilt on purpose: not a result"
DATASET_NAME = "CONTROL masks of a blinded round for readers: not results"
WHAT = "control-{number:03d}_label-cord_mask"
"""What follows the name of the image in the name of a control mask."""

SEVERITIES = (0.3, 0.9)
"""Range from which the severity of a fault is drawn: not so slight that it changes nothing, nor seen at a glance."""

LEAST_OF_EACH = 1


@dataclass(frozen=True)
class Entry:
    """What the key tells of one mask of a round.

    Attributes
    ----------
    mask : str
        Its file, relative to the folder of the round.
    mask_sha256 : str
        Of that file.
    source : str
        Name of the mask that it was made from.
    fault : str
        Check whose fault was put in; empty for a mask that was left as it was.
    severity : float
        0..1; 0 without a fault.
    """

    mask: str
    mask_sha256: str
    source: str
    fault: str = ""
    severity: float = 0.0


@dataclass(frozen=True)
class Score:
    """What a reader found in a round.

    Attributes
    ----------
    rater : str
        Who.
    detection : Detection
        Of all faults.
    by_fault : mapping of str to (found, rated)
        By the check that each fault was made for.
    not_rated : int
        Masks of the round without a rating of this reader.
    set_aside : int
        Masks called artefact: that is said of the image, not of the mask, so they do not count.
    """

    rater: str
    detection: Detection
    by_fault: Mapping[str, tuple[int, int]]
    not_rated: int
    set_aside: int


def make_round(
    cases: Sequence[tuple[Path, Path]], folder: Path, key: Path, *, spoilt: int, seed: int
) -> tuple[Entry, ...]:
    """Make a control round from masks that are known to be good.

    Parameters
    ----------
    cases : sequence of (image, mask)
        Images and their good cord masks; both are only read. One mask of the round is made from each.
    folder : Path
        Folder of the round; its name must say ``control``. The images are found again where it lies in their dataset.
    key : Path
        The key, a JSON file outside of that folder; keep it from the reader.
    spoilt : int
        How many masks get a fault, drawn by chance; kinds of fault take turns.
    seed : int
        Draws which, where and how; the same seed gives the same round.

    Returns
    -------
    tuple of Entry
        What the key tells.

    Raises
    ------
    InputError
        If the folder does not say ``control`` or holds anything, the key lies inside of it or exists, or there is not
        at least one mask of each kind.
    """
    _check_places(folder, key)
    if not LEAST_OF_EACH <= spoilt <= len(cases) - LEAST_OF_EACH:
        raise InputError(f"{spoilt} of {len(cases)} masks cannot be spoilt: a round needs good and spoilt ones.")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(cases))
    chosen = dict(zip(order[:spoilt].tolist(), _kinds(spoilt, rng), strict=True))
    shuffled = rng.permutation(len(cases)).tolist()
    paths = [_path(cases[place][0].name, folder, number) for number, place in enumerate(shuffled, start=1)]
    about = folder / "dataset_description.json"
    with undone_on_failure([*paths, *map(sidecar_path, paths), about, key]):
        made = zip(shuffled, paths, strict=True)
        entries = [_make(cases[place], path, folder, chosen.get(place), rng) for place, path in made]
        write_whole(about, as_utf8(json.dumps(_description(), indent=2) + "\n"))
        write_whole(key, as_utf8(_key_text(entries, seed)))
    return tuple(entries)


def read_key(path: Path) -> tuple[Entry, ...]:
    """Read the key of a round.

    Raises
    ------
    InputError
        If there is none, it is no key, or it was changed since it was written.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Entry(**told) for told in content["entries"])
        sealed = content["sha256_of_entries"]
    except OSError as error:
        raise InputError(f"The key {path} cannot be read ({error.strerror}); name the key of the round.") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is not the key of a control round; name the key that was written with it.") from None
    if sealed != _digest(entries):
        raise InputError(f"The key {path} was changed since the round was made; use the key as it was written.")
    return entries


def score_round(entries: Sequence[Entry], ratings: Sequence[Rating], rater: str) -> Score:
    """Count what a reader found in a round.

    Parameters
    ----------
    entries : sequence of Entry
        From :func:`read_key`.
    ratings : sequence of Rating
        Rows of the round's table of ratings. One counts if it was given to the very file of the round (by SHA-256);
        of several the one that stands. ``fail`` says that there is a fault, ``pass`` that there is none.
    rater : str
        Who is scored.

    Raises
    ------
    InputError
        If this reader rated no mask of the round.
    """
    own = {row.mask_sha256: row.verdict for (_, who), row in standing(ratings).items() if who == rater}
    answers = {entry: own.get(entry.mask_sha256) for entry in entries}
    rated = {entry: said for entry, said in answers.items() if said in (Verdict.PASS, Verdict.FAIL)}
    if not rated:
        raise InputError(f"{rater!r} passed or failed no mask of this round; rate it first, under that name.")
    spoilt = [said is Verdict.FAIL for entry, said in rated.items() if entry.fault]
    good = [said is Verdict.FAIL for entry, said in rated.items() if not entry.fault]
    kinds = sorted({entry.fault for entry in rated if entry.fault})
    by_fault = {
        kind: (
            sum(said is Verdict.FAIL for entry, said in rated.items() if entry.fault == kind),
            sum(entry.fault == kind for entry in rated),
        )
        for kind in kinds
    }
    detection = Detection(sum(spoilt), len(spoilt) - sum(spoilt), sum(good), len(good) - sum(good))
    aside = sum(said is Verdict.ARTEFACT for said in answers.values())
    return Score(rater, detection, by_fault, len(answers) - len(rated) - aside, aside)


def score_rows(score: Score) -> list[list[str]]:
    """Return the rows of a printed score: what was counted, the share, its interval."""
    found = score.detection
    kinds = (
        ("faults found", found.hits, found.with_fault),
        ("good masks passed", found.correct_passes, found.without_fault),
    )
    rows = [[name, f"{count} of {of}", _interval(count, of)] for name, count, of in kinds]
    return rows + [
        [f"  {kind}", f"{count} of {of}", _interval(count, of)] for kind, (count, of) in score.by_fault.items()
    ]


def _interval(count: int, of: int) -> str:
    if of == 0:
        return "–"
    found = share(count, of)
    return f"{found.low:.0%} to {found.high:.0%}"


def _check_places(folder: Path, key: Path) -> None:
    if CONTROL not in folder.name.lower():
        raise InputError(f"The name of {folder} must say that it holds control masks; name it control-round1 or alike.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} holds something already; name a new folder for the round.")
    if folder.resolve() in key.resolve().parents:
        raise InputError(
            f"The key {key} would lie in the folder of the round, where the reader sees it; put it elsewhere."
        )
    refuse_overwrite([key], overwrite=False)


def _kinds(count: int, rng: np.random.Generator) -> list[Check]:
    """Return kinds of fault in turns, so that every kind comes as often as any other."""
    turns = -(-count // len(MASK_FAULTS))
    kinds = [kind for _ in range(turns) for kind in rng.permutation(np.array(MASK_FAULTS, dtype=object))]
    return kinds[:count]


def _make(case: tuple[Path, Path], path: Path, folder: Path, fault: Check | None, rng: np.random.Generator) -> Entry:
    """Write one mask of a round: all in the same way, so that the file does not tell which it is."""
    image, source = case
    scan = load_scan(image)
    mask = binary_mask(load_mask(source, like=scan.grid).data)
    severity = 0.0
    if fault is not None:
        severity = float(rng.uniform(*SEVERITIES))
        mask = inject(Case(scan, mask), fault, rng, severity).cord
    provenance = Provenance(DESCRIPTION, [scan.source] if scan.source else [], {"control": True}, (DESCRIPTION,))
    save_mask(mask, scan, path, provenance)
    name = fault.value if fault is not None else ""
    return Entry(path.relative_to(folder).as_posix(), file_sha256(path), source.name, name, round(severity, 3))


def _path(image_name: str, folder: Path, number: int) -> Path:
    told = entities(image_name)
    parts = [f"{kind}-{told[kind]}" for kind in ("sub", "ses") if kind in told]
    return folder.joinpath(*parts, "anat", derived_name(image_name, WHAT.format(number=number), ".nii.gz"))


def _key_text(entries: Sequence[Entry], seed: int) -> str:
    content = {
        "what": "Key of a control round: keep it from the reader until the round is rated.",
        "made_with": f"{TOOL} {__version__}",
        "seed": seed,
        "entries": [asdict(entry) for entry in entries],
        "sha256_of_entries": _digest(entries),
    }
    return json.dumps(content, indent=2) + "\n"


def _digest(entries: Sequence[Entry]) -> str:
    text = json.dumps([asdict(entry) for entry in entries], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _description() -> dict[str, Any]:
    return {
        "Name": DATASET_NAME,
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": TOOL, "Version": __version__}],
    }
