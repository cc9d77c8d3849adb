"""What a file of results holds, and of which image, according to its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from napari_spinalq.io.bids import entities

CORD, GM, CANAL, LEVELS, DISCS = "cord", "gm", "canal", "levels", "discs"

_MANUAL = r"(?:[-_]manual)?"
_MASK = r"_(?:mask|seg|dseg)" + _MANUAL
_NAMES = (
    # Spinal Cord Toolbox: sct_label_vertebrae, sct_label_utils, then sct_deepseg_gm, sct_deepseg_sc, sct_propseg
    (DISCS, rf"_seg{_MANUAL}_labeled_discs|_labels?-discs?{_MANUAL}(?:_dlabel)?|_discs?{_MANUAL}"),
    (LEVELS, rf"_seg{_MANUAL}_labeled|_label-(?:levels?|vert|vertebrae){_MASK}"),
    (GM, rf"_gmseg{_MANUAL}|_(?:label|desc)-gm{_MASK}"),
    (CANAL, rf"_(?:label|desc)-canal{_MASK}|_canal_seg{_MANUAL}"),
    (CORD, rf"_(?:label|desc)-(?:sc|cord|spinalcord){_MASK}|_seg-deepseg_sc(?:-\w+)?|_seg{_MANUAL}|_dseg|_mask"),
)
_KINDS = tuple((kind, re.compile(rf"(?P<image>.+?)(?:{names})", re.IGNORECASE)) for kind, names in _NAMES)

_DERIVED_ENTITIES = ("label", "desc", "space", "res", "den", "seg", "rec")
"""BIDS entities that tell a derived file from its image."""

_OTHER = ("label", "desc", "atlas", "hemi")
"""Entities which, left over, say that a mask is of something else, such as ``label-lesion`` or ``desc-brain``."""


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
    def image_entities(self) -> dict[str, str]:
        """The BIDS entities that its image must have, and no other."""
        return {key: value for key, value in entities(self.image).items() if key not in _DERIVED_ENTITIES}


def result_name(stem: str) -> ResultName | None:
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
        found = pattern.fullmatch(stem)
        if found:
            image = found["image"]
            return None if any(other in entities(image) for other in _OTHER) else ResultName(kind, image)
    return None


def _without(stem: str, keys: tuple[str, ...]) -> str:
    parts = [part for part in stem.split("_") if part.partition("-")[0] not in keys or "-" not in part]
    return "_".join(parts)
