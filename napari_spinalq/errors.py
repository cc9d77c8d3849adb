"""What goes wrong because of what was given, said in one sentence.

Anything that is raised as :class:`InputError` is shown to the user as it is and ends a command with exit code 2.
Any other exception is a bug of this package (exit code 1).
"""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: one sentence that says what is wrong, where, and how to mend it."""


class GridMismatchError(InputError):
    """Two files that must share one voxel grid do not; the message says which property differs and by how much."""


class CordNotFoundError(InputError):
    """No cord was found in the scan; the message says how to point at it."""


class BackendError(InputError):
    """Another program that was asked to do the work is missing, failed or gave no usable result."""


class Cancelled(Exception):
    """A long computation was stopped on request; nothing was written."""
