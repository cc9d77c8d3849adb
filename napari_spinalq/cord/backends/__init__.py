"""Other programs that segment and label, called as processes: Spinal Cord Toolbox and TotalSpineSeg.

Each adapter keeps apart what can be tested without the program: the command line, the reading of the version that the
program prints, and the reading of the files it leaves. Nothing of these programs is imported.
"""

from __future__ import annotations

from enum import StrEnum


class Backend(StrEnum):
    """Who does the work."""

    BUILTIN = "builtin"
    SCT = "sct"
    TOTALSPINESEG = "totalspineseg"
