"""What a file of results holds, and of which image, according to its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.contrast import Contrast, contrast_from_name
from napari_spinalq.io.bids import NIFTI_ENDINGS, entities, stem

CORD, GM, CANAL, LEVELS, DISCS = "cord", "gm", "canal", "levels", "discs"
MASKS = (CORD, GM, CANAL)

DISC_TABLE_ENDING = "_discs.tsv"

_MANUAL = r"(?:[-_]manual)?"
_MASK = r"_(?:mask|seg|dseg)" + _MANUAL
_NAMES = (
    # Spinal Cord Toolbox: sct_label_vertebrae, sct_label_utils, then sct_deepseg_gm, sct_deepseg_sc, sct_propseg
    (DISCS, rf"_seg{_MANUAL}_labeled_discs|_labels?-discs?{_MANUAL}(?:_dlabel)?|_discs?{_MANUAL}"),
    (LEVELS, rf"_seg{_MANUAL}_labeled|_label-(?:levels?|vert|vertebrae){_MASK}"),
    (GM, rf"_gmseg{_MANUAL}|_(?:label|desc)-gm{_MASK}"),
    (CANAL, rf"_(?:label|desc)-canal{_MASK}|_canal_seg{_MANUAL}"),
    (CORD, rf"_(?:label|desc)-(?:sc|cord|spinalcord){_MASK}|_seg-deepseg_sc(?:-\w+)?|_seg{_MANUAL}|_dseg|_mask"),
    (CORD, rf"_(?:cord|sc){_MANUAL}"),  # the template of Spinal Cord Toolbox: PAM50_cord
)
_KINDS = tuple((kind, re.compile(rf"(?P<image>.+?)(?:{names})", re.IGNORECASE)) for kind, names in _NAMES)

_DERIVED_ENTITIES = ("label", "desc", "space", "res", "den", "seg", "rec")
"""BIDS entities that tell a derived file from its image."""

_OTHER = ("label", "desc", "atlas", "hemi")
"""Entities which, left over, say that a mask is of something else, such as ``label-lesion`` or ``desc-brain``."""


_SPACE_AT_END = re.compile(r"_space-([a-zA-Z0-9]+)$")


@dataclass(frozen=True)
class ResultName:
    """What the name of a file of results tells.

    Attributes
    ----------
    kind : str
        ``"cord"``, ``"gm"``, ``"canal"``, ``"levels"`` or ``"discs"``.
    image : str
        The name without what says the kind: that of its image in Spinal Cord Toolbox, its entities in BIDS.
    """

    kind: str
    image: str

    @property
    def image_names(self) -> tuple[str, ...]:
        """Names (without ending) that its image may have, the likeliest first.

        Examples
        --------
        >>> ResultName("cord", "sub-01_acq-ax_space-T2star").image_names
        ('sub-01_acq-ax_space-T2star', 'sub-01_acq-ax_T2star', 'sub-01_acq-ax')
        """
        space = entities(self.image).get("space", "")
        bare = _without(self.image, _DERIVED_ENTITIES)
        return tuple(dict.fromkeys(name for name in (self.image, f"{bare}_{space}" if space else "", bare) if name))

    @property
    def scan_name(self) -> str:
        """Name (without ending) of its scan, where nothing but the name of the result is known.

        Examples
        --------
        >>> ResultName("cord", "sub-01_acq-ax_space-T2star").scan_name, ResultName("cord", "t2").scan_name
        ('sub-01_acq-ax_T2star', 't2')
        """
        return _SPACE_AT_END.sub(r"_\1", self.image)

    @property
    def tells_contrast(self) -> bool:
        """Whether it says which image of its entities it belongs to, such as ``T2w``: then no other one will do."""
        space = entities(self.image).get("space", "")
        return "-" not in self.image.rsplit("_", 1)[-1] or contrast_from_name(space) is not Contrast.UNKNOWN

    @property
    def image_entities(self) -> dict[str, str]:
        """The BIDS entities that its image must have, and no other."""
        return {key: value for key, value in entities(self.image).items() if key not in _DERIVED_ENTITIES}


def result_files(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    """Yield the NIfTI files and tables of discs in a folder (and, if ``deep``, those in it), sorted; none hidden."""
    for path in sorted(folder.rglob("*") if deep else folder.iterdir()):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.name.lower().endswith((*NIFTI_ENDINGS, DISC_TABLE_ENDING)) and path.is_file():
            yield path


def stem_of(path: Path) -> str:
    """Return the name of a NIfTI file or a table without its ending."""
    return path.stem if path.suffix == ".tsv" else stem(path.name)


def result_name(name: str) -> ResultName | None:
    """Read the name of a file of results, without its ending; None if it is none that is known.

    The names are those that this package writes, those of Spinal Cord Toolbox (De Leener et al. 2017, NeuroImage 145,
    24-43, doi:10.1016/j.neuroimage.2016.10.009) and those of BIDS derivatives (BIDS 1.9, "Imaging data type
    derivatives": ``label-``, ``desc-``, ``_mask``, ``_dseg``).

    Examples
    --------
    >>> result_name("t2_seg"), result_name("sub-01_space-T2w_label-GM_mask").kind
    (ResultName(kind='cord', image='t2'), 'gm')
    >>> result_name("sub-01_T2w"), result_name("sub-01_label-lesion_mask")
    (None, None)
    """
    for kind, pattern in _KINDS:
        found = pattern.fullmatch(name)
        if found:
            image = found["image"]
            return None if any(other in entities(image) for other in _OTHER) else ResultName(kind, image)
    return None


def _without(name: str, keys: tuple[str, ...]) -> str:
    parts = [part for part in name.split("_") if part.partition("-")[0] not in keys or "-" not in part]
    return "_".join(parts)
