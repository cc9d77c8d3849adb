"""What the disk refuses, in words that someone without a shell can act on."""

from __future__ import annotations

import errno

_FULL = "the disk is full; make room"
_CLOSED = "the folder may not be written; ask its owner for access"
_GONE = "the drive or folder is not there any more; connect it"
_FAILING = "the drive does not answer as it should; check it"
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: _CLOSED,
    errno.EEXIST: "a file stands where a folder is needed; move it",
    errno.ENOTDIR: "a file stands where a folder is needed; move it",
    errno.ENOENT: _GONE,
    errno.ESTALE: _GONE,
    errno.ENODEV: _GONE,
    errno.ENXIO: _GONE,
    errno.ENOTCONN: _GONE,
    errno.EHOSTDOWN: _GONE,
    errno.EHOSTUNREACH: _GONE,
    errno.ETIMEDOUT: _GONE,
    errno.EIO: _FAILING,
}
"""By errno: what is wrong, and what mends it."""


def reason(error: OSError) -> str:
    """Say why the system refused, and what mends it, as the second half of a sentence.

    Examples
    --------
    >>> reason(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full; make room'
    """
    return _REASONS.get(error.errno or 0, str(error.strerror or error))


def in_words(error: OSError) -> str:
    """Say which file is concerned, why the system refused, and that another try is possible.

    Examples
    --------
    >>> in_words(OSError(errno.EIO, "Input/output error", "out/a.tsv"))
    'out/a.tsv: the drive does not answer as it should; check it, then try again.'
    """
    concerned = f"{error.filename}: " if error.filename else ""
    return f"{concerned}{reason(error)}, then try again."
