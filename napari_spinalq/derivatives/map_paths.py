"""Which file of a maps result is called what (BIDS derivatives; diffusion maps as in its extension proposal 16).

A map lies on the grid of its scan, so it is named after it as every derived file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.contrast import Contrast
from napari_spinalq.exam import Exam, ExamFile
from napari_spinalq.io.bids import derived_name, entities, stem
from napari_spinalq.io.sidecar import sidecar_path

TENSOR = "model-tensor_param-{}_dwimap"

DIFFUSION_NAMES = {
    **{name: TENSOR.format(name) for name in ("fa", "md", "ad", "rd", "direction", "rgb", "residual")},
    "tsnr": "desc-tsnr_dwimap",
}
"""Maps of a diffusion series by their name in tables, and how their files are called."""

MT_NAMES = {"mtr": "MTRmap", "mtsat": "MTsat", "t1": "T1map"}
"""Maps of magnetisation transfer, as BIDS calls them."""


@dataclass(frozen=True)
class MapPaths:
    """Where what belongs to the maps of one scan lies.

    Attributes
    ----------
    place : Path
        Folder of the files.
    scan_name : str
        File name of the scan on whose grid the maps lie.
    diffusion : bool
        Whether it is a diffusion series: that has gradients, motion, and a cord of its own.
    """

    place: Path
    scan_name: str
    diffusion: bool

    @property
    def cord(self) -> Path:
        """The cord on the grid of the maps."""
        return self._named("label-cord_mask")

    @property
    def levels(self) -> Path:
        """Vertebral level of each voxel of that cord."""
        return self._named("label-levels_dseg")

    @property
    def tracts(self) -> Path:
        """Share of every part of the atlas, 4-D."""
        return self._named("label-tracts_probseg")

    @property
    def tract_labels(self) -> Path:
        """Which volume of :attr:`tracts` is which part; the two share a sidecar."""
        return self._named("label-tracts_probseg", ".tsv")

    @property
    def values(self) -> Path:
        """Values per tract and level, with everything that is known about each."""
        return self._named("tracts", ".tsv")

    @property
    def registration(self) -> Path:
        """How well the anatomical scan was brought here."""
        return self._named("registration", ".tsv")

    @property
    def motion(self) -> Path:
        """How the cord moved, per volume and slice."""
        return self._named("motion", ".tsv")

    @property
    def volumes(self) -> Path:
        """How far the cord moved from volume to volume, and which stand out."""
        return self._named("volumes", ".tsv")

    @property
    def corrected(self) -> Path:
        """The corrected series; its gradients have the same name with other endings."""
        return self.place / f"{corrected_stem(self.scan_name)}.nii.gz"

    def gradients(self, kind: str) -> Path:
        """Return the ``"bval"`` or ``"bvec"`` file of the corrected series."""
        return self.corrected.with_name(f"{corrected_stem(self.scan_name)}.{kind}")

    def map(self, name: str) -> Path:
        """Return the file of a map by its name in tables."""
        return self._named((DIFFUSION_NAMES if self.diffusion else MT_NAMES)[name])

    def carried(self, name: str) -> Path:
        """Return the ``"cord"`` or ``"gm"`` of the anatomical scan, carried onto this grid."""
        return self._named(f"label-{ {'cord': 'cord', 'gm': 'GM'}[name] }_desc-carried_probseg")

    def with_sidecars(self) -> tuple[Path, ...]:
        """Return every file that may be written, with the JSON file of each that has one."""
        told = list(self._with_sidecar())
        bare = [self.tract_labels, *([self.gradients("bval"), self.gradients("bvec")] if self.diffusion else [])]
        return tuple(path for file in told for path in (file, sidecar_path(file))) + tuple(bare)

    def _with_sidecar(self) -> Iterator[Path]:
        yield from (self.map(name) for name in (DIFFUSION_NAMES if self.diffusion else MT_NAMES))
        yield from (self.tracts, self.values, self.registration, self.carried("cord"), self.carried("gm"))
        if self.diffusion:
            yield from (self.cord, self.levels, self.motion, self.volumes, self.corrected)

    def _named(self, what: str, ending: str = ".nii.gz") -> Path:
        return self.place / derived_name(self.scan_name, what, ending)


def corrected_stem(scan_name: str) -> str:
    """Return the name of a corrected series without its ending.

    Examples
    --------
    >>> corrected_stem("sub-01_dwi.nii.gz"), corrected_stem("dmri.nii.gz")
    ('sub-01_desc-moco_dwi', 'dmri_moco')
    """
    source = stem(scan_name)
    if not source.startswith("sub-") or "_" not in source:
        return f"{source}_moco"
    base, suffix = source.rsplit("_", 1)
    return f"{base}_desc-moco_{suffix}"


def map_paths(scan_name: str, exam: Exam, folder: Path, *, diffusion: bool) -> MapPaths:
    """Name the results of a diffusion or magnetisation transfer scan of an exam.

    Examples
    --------
    >>> paths = map_paths("sub-01_dwi.nii.gz", Exam("01", "", ()), Path("out"), diffusion=True)
    >>> paths.map("fa").as_posix()
    'out/sub-01/dwi/sub-01_space-dwi_model-tensor_param-fa_dwimap.nii.gz'
    """
    session = [f"ses-{exam.session}"] if exam.session else []
    place = folder.joinpath(f"sub-{exam.subject}", *session, "dwi" if diffusion else "anat")
    return MapPaths(place, scan_name, diffusion)


def maps_of_exam(exam: Exam, folder: Path) -> list[MapPaths]:
    """Name what the maps of an exam may write: of each diffusion scan, and of each scan with the MT pulse."""
    return [
        map_paths(file.path.name, exam, folder, diffusion=file.contrast is Contrast.DWI)
        for file in exam.files
        if file.contrast is Contrast.DWI or _has_mt_pulse(file)
    ]


def _has_mt_pulse(file: ExamFile) -> bool:
    return file.contrast is Contrast.MT and entities(file.path.name).get("mt") != "off"
