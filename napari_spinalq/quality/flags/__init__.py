"""Automatic flags: what to look at in a measured scan, and how urgently."""

from napari_spinalq.quality.flags.checks import RULES, Check, Rule
from napari_spinalq.quality.flags.judging import Flag, finding_of, findings_of, flags_of, scores_of, suspicion

__all__ = ["RULES", "Check", "Flag", "Rule", "finding_of", "findings_of", "flags_of", "scores_of", "suspicion"]
