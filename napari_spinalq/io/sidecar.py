"""Where a result came from: the JSON sidecar beside every file that is written."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_spinalq import __version__
from napari_spinalq.errors import InputError
from napari_spinalq.io.atomic import as_utf8, write_whole
from napari_spinalq.scan import Source, place_of

TOOL = "napari-spinalq"
AUTHOR_VARIABLE = "SPINALQ_AUTHOR"


@dataclass(frozen=True)
class Provenance:
    """What a sidecar says.

    Attributes
    ----------
    description : str
        What the file holds, in a few words.
    sources : sequence of Source
        The files it was made from; the first is the image whose grid it shares.
    parameters : mapping
        Every setting that changes the result (JSON values only).
    flags : sequence of str
        What a reader must know before trusting it.
    author : str
        Who ran or drew it; by default ``SPINALQ_AUTHOR`` or the login name.
    """

    description: str
    sources: Sequence[Source] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    flags: Sequence[str] = ()
    author: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the sidecar's content, with the BIDS derivative keys and the time of the call (UTC)."""
        return {
            "Description": self.description,
            "GeneratedBy": [{"Name": TOOL, "Version": __version__}],
            "Sources": [{"File": source.path.name, "SHA256": source.sha256} for source in self.sources],
            "Parameters": dict(self.parameters),
            "Flags": list(self.flags),
            "Author": self.author or default_author(),
            "Time": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def default_author() -> str:
    """Return ``SPINALQ_AUTHOR`` or the login name; ``"unknown"`` where the system has neither."""
    named = os.environ.get(AUTHOR_VARIABLE, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container without a user table, or Windows without USERNAME
        return "unknown"


def sidecar_path(path: Path) -> Path:
    """Return the JSON file that belongs to a result.

    Examples
    --------
    >>> sidecar_path(Path("a/cord_mask.nii.gz")).name, sidecar_path(Path("metrics.tsv")).name
    ('cord_mask.json', 'metrics.json')
    """
    stem = path.name.removesuffix(".gz")
    return path.with_name(Path(stem).stem + ".json")


def write_sidecar(path: Path, provenance: Provenance, *, overwrite: bool = False) -> Path:
    """Write the sidecar of the result at ``path``."""
    text = json.dumps(provenance.as_dict(), indent=2, ensure_ascii=False) + "\n"
    return write_whole(sidecar_path(path), as_utf8(text), overwrite=overwrite)


@dataclass(frozen=True)
class Record:
    """What the sidecar of a result tells.

    Attributes
    ----------
    source_sha256 : str
        SHA-256 of the image that the result was made on; empty if the sidecar does not tell.
    parameters : mapping
        Settings that changed the result.
    flags : tuple of str
        What a reader must know before trusting it.
    author : str
        Who ran or drew it; may be empty.
    time : datetime, optional
        When, with its time zone.
    """

    source_sha256: str
    parameters: Mapping[str, Any]
    flags: tuple[str, ...]
    author: str
    time: datetime | None


def read_record(path: Path) -> Record | None:
    """Return what the sidecar of a result tells; None where there is no sidecar.

    Raises
    ------
    InputError
        If the sidecar is no JSON object, or an entry is not of its kind.
    """
    beside = sidecar_path(path)
    if not beside.is_file():
        return None
    content = _content(beside)
    parameters = _parameters(content, beside)
    author = content.get("Author", "")
    return Record(
        _source_sha256(content, beside), parameters, _flags(content, beside), str(author or ""), _time(content, beside)
    )


def read_flags(path: Path) -> tuple[str, ...]:
    """Return the flags in the sidecar of a result, so that they travel on; none where there is no sidecar.

    Raises
    ------
    InputError
        If the sidecar is no JSON object, or its flags are no list of sentences.
    """
    beside = sidecar_path(path)
    return _flags(_content(beside), beside) if beside.is_file() else ()


def read_parameters(path: Path) -> dict[str, Any]:
    """Return the parameters in the sidecar of a result; none where there is no sidecar.

    Raises
    ------
    InputError
        If the sidecar or its parameters are no JSON object.
    """
    beside = sidecar_path(path)
    return _parameters(_content(beside), beside) if beside.is_file() else {}


def read_fields(path: Path) -> dict[str, Any]:
    """Return everything that the JSON file beside an image says, such as its BIDS fields; empty where there is none.

    Raises
    ------
    InputError
        If the file is no JSON object.
    """
    beside = sidecar_path(path)
    return _content(beside) if beside.is_file() else {}


def source_names(path: Path) -> tuple[str, ...]:
    """Return the files that the sidecar of a result names as its sources; none where there is no sidecar.

    This package names them with checksums; BIDS lists paths or URIs, also under ``RawSources``.

    Raises
    ------
    InputError
        If the sidecar is no JSON object.
    """
    beside = sidecar_path(path)
    content = _content(beside) if beside.is_file() else {}
    told = [content.get(key, []) for key in ("Sources", "RawSources")]
    listed = [source for one in told for source in (one if isinstance(one, list) else [one])]
    names = (source.get("File") if isinstance(source, dict) else source for source in listed)
    return tuple(str(name) for name in names if name)


def _parameters(content: Mapping[str, Any], beside: Path) -> dict[str, Any]:
    parameters = content.get("Parameters", {})
    if not isinstance(parameters, dict):
        raise InputError(f"The Parameters in the sidecar {beside} are not a JSON object; mend or remove it.")
    return parameters


def _content(beside: Path) -> dict[str, Any]:
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{beside} cannot be read ({error.strerror}); ask its owner for access.") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"The sidecar {beside} is not a JSON object; mend or remove it.")
    return content


def _flags(content: Mapping[str, Any], beside: Path) -> tuple[str, ...]:
    flags = content.get("Flags", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        raise InputError(f"The Flags in the sidecar {beside} are not a list of sentences; mend or remove it.")
    return tuple(flags)


def _source_sha256(content: Mapping[str, Any], beside: Path) -> str:
    """Return the checksum of the first source, the image whose grid the result shares."""
    sources = content.get("Sources", [])
    if not isinstance(sources, list) or not all(isinstance(source, (dict, str)) for source in sources):
        raise InputError(f"The Sources in the sidecar {beside} are not a list of files; mend or remove it.")
    first = sources[0] if sources else {}
    return str(first.get("SHA256") or "") if isinstance(first, dict) else ""  # other tools list bare names


def _time(content: Mapping[str, Any], beside: Path) -> datetime | None:
    if "Time" not in content:
        return None
    try:
        return datetime.fromisoformat(content["Time"])
    except (TypeError, ValueError):
        raise InputError(f"The Time in the sidecar {beside} is no date and time; mend or remove it.") from None


def refuse_sidecar_of_source(path: Path, sources: Iterable[Source]) -> None:
    """Check that the sidecar of a result would not take the place of that of a source.

    Raises
    ------
    InputError
        If the result has the name of a source but for the ending, so that both own one JSON file.
    """
    beside = sidecar_path(path)
    for source in sources:
        if beside.exists() and place_of(beside) == sidecar_path(source.path):
            raise InputError(f"{beside} belongs to {source.path.name}; name another output than {path.name}.")
