"""Faults of known kind, put into good cases: to measure what the flags catch, and what a reader does."""

from napari_spinalq.quality.faults.case import Case, case_of
from napari_spinalq.quality.faults.making import MASK_FAULTS, inject, segmented_anew

__all__ = ["MASK_FAULTS", "Case", "case_of", "inject", "segmented_anew"]
