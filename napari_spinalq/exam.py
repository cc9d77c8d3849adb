"""An exam: the scans of one subject in one session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.contrast import Contrast


@dataclass(frozen=True)
class ExamFile:
    """A scan of an exam that has not been read yet.

    Attributes
    ----------
    path : Path
        The NIfTI file.
    contrast : Contrast
        Recognised from its name.
    bval, bvec : Path, optional
        Gradient files in FSL's layout found beside a diffusion scan.
    grad : Path, optional
        Gradient table in MRtrix's layout found beside it.
    """

    path: Path
    contrast: Contrast
    bval: Path | None = None
    bvec: Path | None = None
    grad: Path | None = None

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.name.removesuffix(".gz").removesuffix(".nii")

    @property
    def has_gradients(self) -> bool:
        """Whether gradient files were found with it."""
        return self.grad is not None or (self.bval is not None and self.bvec is not None)


@dataclass(frozen=True)
class Exam:
    """The scans of one subject-session.

    Attributes
    ----------
    subject, session : str
        BIDS labels without ``sub-`` and ``ses-``; the session may be empty.
    files : tuple of ExamFile
        Its scans.
    """

    subject: str
    session: str
    files: tuple[ExamFile, ...]

    def of_contrast(self, contrast: Contrast) -> tuple[ExamFile, ...]:
        """Return the scans of one contrast."""
        return tuple(file for file in self.files if file.contrast is contrast)
