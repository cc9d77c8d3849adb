"""Plain text tables of numbers, as other programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError


def read_numbers(path: Path) -> NDArray[np.float64]:
    """Read rows of numbers separated by white space or commas; ``#`` begins a comment.

    Returns
    -------
    (n_rows, n_columns) array

    Raises
    ------
    InputError
        If the file cannot be read, is empty, holds anything but finite numbers, or rows of different length.
    """
    rows = [_row(line, number, path) for number, line in enumerate(_lines(path), start=1) if _words(line)]
    if not rows:
        raise InputError(f"{path} is empty; give the file that belongs to the scan.")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise InputError(
            f"The rows of {path} hold {min(lengths)} to {max(lengths)} numbers; all must hold the same number."
        )
    return np.array(rows)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the path.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); ask its owner for access.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text file; give a table of numbers.") from None


def _words(line: str) -> list[str]:
    return line.split("#", 1)[0].replace(",", " ").split()


def _row(line: str, number: int, path: Path) -> list[float]:
    row = []
    for word in _words(line):
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            raise InputError(f"Line {number} of {path} holds {word[:20]!r}, which is no number; mend the file.")
        row.append(value)
    return row
