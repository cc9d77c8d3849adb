"""What the JSON files beside the simulated scans say: plausible settings of a 3 T cervical protocol."""

from __future__ import annotations

from typing import Any

from napari_spinalq.mt.parameters import Excitation

_COMMON: dict[str, Any] = {
    "Modality": "MR",
    "MagneticFieldStrength": 3,
    "Manufacturer": "none (digital phantom)",
    "ManufacturersModelName": "napari-spinalq phantom",
    "BodyPartExamined": "CSPINE",
    "PatientPosition": "HFS",
    "SyntheticData": True,
}

_BY_SCAN: dict[str, dict[str, Any]] = {
    "t2w": {"MRAcquisitionType": "3D", "RepetitionTime": 1.5, "EchoTime": 0.12, "FlipAngle": 120},
    "t2star": {"MRAcquisitionType": "2D", "RepetitionTime": 0.6, "EchoTime": 0.014, "FlipAngle": 30},
    "psir": {
        "MRAcquisitionType": "2D",
        "RepetitionTime": 4.0,
        "EchoTime": 0.0033,
        "InversionTime": 0.4,
        "FlipAngle": 10,
        "ImageType": ["DERIVED", "PRIMARY", "REAL", "PSIR"],
        "ComplexImageComponent": "REAL",
    },
    "mt_on": {"MRAcquisitionType": "3D", "RepetitionTime": 0.035, "EchoTime": 0.0032, "FlipAngle": 9, "MTState": True},
    "mt_off": {
        "MRAcquisitionType": "3D",
        "RepetitionTime": 0.035,
        "EchoTime": 0.0032,
        "FlipAngle": 9,
        "MTState": False,
    },
    "mt_t1w": {
        "MRAcquisitionType": "3D",
        "RepetitionTime": 0.015,
        "EchoTime": 0.0032,
        "FlipAngle": 15,
        "MTState": False,
    },
    "dwi": {
        "MRAcquisitionType": "2D",
        "RepetitionTime": 4.5,
        "EchoTime": 0.06,
        "FlipAngle": 90,
        "PhaseEncodingDirection": "j",
        "TotalReadoutTime": 0.03,
    },
}


def excitation(scan_name: str) -> Excitation:
    """Return flip angle and repetition time of a scan in the phantom's protocol."""
    fields = _BY_SCAN[scan_name]
    return Excitation(float(fields["FlipAngle"]), float(fields["RepetitionTime"]))


def sidecar(scan_name: str, spacing_mm: tuple[float, float, float]) -> dict[str, Any]:
    """Return the JSON fields of a scan; times in seconds and angles in degrees, as BIDS asks.

    Parameters
    ----------
    scan_name : str
        Name in the phantom's protocol, such as ``"t2w"``; ``"dwi_long"`` is measured as ``"dwi"``.
    spacing_mm : tuple of 3 float
        Voxel size; the slice thickness is its largest, mm.
    """
    return {**_COMMON, **_BY_SCAN[scan_name.removesuffix("_long")], "SliceThickness": round(max(spacing_mm), 4)}
