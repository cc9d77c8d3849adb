"""Writing slice numbers."""

from __future__ import annotations

from collections.abc import Iterable


def slice_ranges(slices: Iterable[int]) -> str:
    """Write slice numbers in short form: ranges with a colon, parted by semicolons, ascending.

    Examples
    --------
    >>> slice_ranges([3, 1, 2, 7])
    '1:3;7'
    >>> slice_ranges([])
    ''
    """
    runs: list[list[int]] = []
    for number in sorted({int(number) for number in slices}):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ";".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def slice_numbers(ranges: str) -> tuple[int, ...]:
    """Read what :func:`slice_ranges` wrote.

    Examples
    --------
    >>> slice_numbers("1:3;7"), slice_numbers("")
    ((1, 2, 3, 7), ())
    """
    numbers: list[int] = []
    for part in filter(None, ranges.split(";")):
        first, _, last = part.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)


def at_slices(slices: Iterable[int]) -> str:
    """Write where something is, in words.

    Examples
    --------
    >>> at_slices([12]), at_slices([3, 4])
    ('slice 12', 'slices 3-4')
    """
    numbers = sorted({int(number) for number in slices})
    ranges = slice_ranges(numbers).replace(":", "-").replace(";", ", ")  # a colon would read as a time or a ratio
    return f"{'slice' if len(numbers) == 1 else 'slices'} {ranges}"
