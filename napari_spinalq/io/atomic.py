"""Writing files so that they are whole or not there at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_spinalq.errors import InputError


def refuse_overwrite(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Check, before any work is done, that no output would replace an existing file.

    Raises
    ------
    InputError
        If one exists and ``overwrite`` is False.
    """
    if overwrite:
        return
    for path in paths:
        if path.exists():
            raise InputError(f"{path} exists already; use --force to replace it, or name another output.")


def write_whole(
    path: Path,
    content: bytes,
    *,
    overwrite: bool = False,
    verify: Callable[[Path], None] | None = None,
) -> Path:
    """Write a file through a temporary one in the same folder, so that a crash never leaves half of it.

    The bytes are flushed to the disk, read back and compared, and only then take the name of the file.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    content : bytes
        What it shall hold.
    overwrite : bool
        Whether an existing file may be replaced.
    verify : callable, optional
        Called with the temporary file before it takes its name; raises if the content does not read back as meant.

    Raises
    ------
    InputError
        If the file exists and may not be replaced, or the folder cannot be written.
    OSError
        If the disk is full or gone, or what was read back differs from what was written; the old file stays.
    """
    refuse_overwrite([path], overwrite=overwrite)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(temporary, content)
        if temporary.read_bytes() != content:
            raise OSError(f"{temporary} does not read back as written; the disk may be failing")
        if verify is not None:
            verify(temporary)
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another output folder.") from None
    finally:
        _take_away(temporary)
    return path


@contextmanager
def undone_on_failure(paths: Iterable[Path]) -> Iterator[None]:
    """Take back the files and folders of results that belong together, if not all of them could be written.

    Parameters
    ----------
    paths : iterable of Path
        All files that are written inside. One that was there before stays, in its old or its new form.
    """
    new = [path for path in paths if not path.exists()]
    folders = {folder for path in new for folder in path.parents if not folder.exists()}
    try:
        yield
    except BaseException:  # also when stopped by hand
        for path in new:
            _take_away(path)
        for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
            with suppress(OSError):  # as above
                if folder.exists() and not any(folder.iterdir()):
                    folder.rmdir()
        raise


def as_utf8(text: str) -> bytes:
    """Encode text; what is no character (part of a file name from another system) becomes a backslash escape."""
    return text.encode("utf-8", errors="backslashreplace")


def _write_flushed(path: Path, content: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _take_away(path: Path) -> None:
    """Remove a file if it is there and can be reached; on a drive that is gone, nothing can be taken back."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the new name itself durable; Windows has no such call on folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
