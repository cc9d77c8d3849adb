"""Reading a journal: whole lines are taken, a torn or damaged end is told apart and never dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.io.journal.lines import Line, decoded
from napari_spinalq.io.journal.replay import Replay
from napari_spinalq.io.trouble import reason


@dataclass(frozen=True, eq=False)
class JournalText:
    """A journal as it was read.

    Attributes
    ----------
    path : Path
        Its file.
    lines : tuple of Line
        Its whole lines.
    content : bytes
        Those lines as they stand in the file, each with its end.
    tail : bytes
        What follows them and is no whole line: the power went, the disk was full, or the file is damaged.
    replay : Replay
        What the lines come to.
    """

    path: Path
    lines: tuple[Line, ...]
    content: bytes
    tail: bytes
    replay: Replay


def read_journal(path: Path) -> JournalText | None:
    """Read a journal; None if there is none.

    A last line that was torn is left out and told in ``tail``; so is everything from the first line on that is damaged
    or does not follow from those before it. Nothing is written.

    Raises
    ------
    InputError
        If the file cannot be read, was written by a later version, or holds no journal at all.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}, then open the exam again.") from None
    return _whole_lines(path, content)


def _whole_lines(path: Path, content: bytes) -> JournalText:
    lines, known, end = list[Line](), Replay(), 0
    for text in content.splitlines(keepends=True):
        try:
            line = decoded(text)
            if line.number != len(lines) + 1:
                raise InputError(f"A line of {path} is missing.")
            known.take(line)
        except InputError as error:
            if "later version" in str(error):
                raise InputError(f"{path}: {error}") from None
            break
        lines.append(line)
        end += len(text)
    if content and not lines:
        raise InputError(f"{path} is no journal of edits, or is damaged from its first line on; move it away.")
    whole = content[:end]
    whole += b"" if whole.endswith(b"\n") or not whole else b"\n"  # the last byte of a line may be what was torn off
    return JournalText(path, tuple(lines), whole, content[end:], known)


def newer(home: JournalText | None, away: JournalText | None) -> tuple[JournalText | None, JournalText | None]:
    """Choose between the journal beside the results and the one that was kept elsewhere while that place was closed.

    Returns
    -------
    chosen, other : JournalText or None
        The longer one if it goes on from the shorter; else the one beside the results, and the other, whose edits are
        on a branch of their own.
    """
    texts = [text for text in (home, away) if text is not None and text.lines]
    if len(texts) < 2:
        return (texts[0] if texts else None), None
    longer, shorter = sorted(texts, key=lambda text: len(text.content), reverse=True)
    if longer.content.startswith(shorter.content):
        return longer, None
    return texts[0], texts[1]


def count_edits(lines: Sequence[Line]) -> int:
    """Return how many of the lines are edits of a person or a program."""
    return sum(line.kind in ("mask", "discs", "checked") for line in lines)
