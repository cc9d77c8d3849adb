"""Which disc is which, where nobody clicked one: the head end of the canal as a landmark.

At the foramen magnum the canal of C1 opens abruptly into the posterior fossa. Its distance to the C2-C3 disc differs
between people and with the bend of the neck, so it alone does not name discs with certainty. Names count as confirmed
only where the landmark and the end of the row of discs, found independently, agree.
"""

from __future__ import annotations

from napari_spinalq.levels.chain import Landmark
from napari_spinalq.levels.evidence import STEP_MM, DiscEvidence
from napari_spinalq.levels.fossa import foramen_arc_mm
from napari_spinalq.scan import Scan

FORAMEN_ABOVE_C2C3_MM = 39.0
"""Where canal and fossa become deeper than 28 mm, above the C2-C3 disc: 40 mm on the PAM50 template at 1 x 1 x 2 mm,
37 mm at typical size on the digital exams, which were drawn without it."""

FORAMEN_SPREAD_MM = 5.0
"""Standard deviation of that distance between people and head positions beyond what body size explains, mm."""

AGREEMENT_MM = 6.0
"""The landmark and the topmost disc agree if C2-C3 lies within this of its expected place (mm): names shifted by one
level would miss it by 15 to 18 mm."""

MIN_MARGIN = 4.0
"""The best naming must lead the next one by this much (natural logarithm) to count as confirmed: 1 in 50 if the model
were right. It takes its parts for independent, which they are not: of 219 simulated scans with and without head that
the method was tuned on, wrong names agreed with the landmark and led by up to 3.0."""

MIN_ROW = 4
"""A row of fewer discs than this is too short to be confirmed without a click."""


def foramen_landmark(scan: Scan, evidence: DiscEvidence) -> Landmark | None:
    """Return the foramen magnum as a landmark; None where the scan does not show it."""
    foramen_mm = foramen_arc_mm(scan, evidence)
    if foramen_mm is None:
        return None
    sample = round((foramen_mm - float(evidence.arcs_mm[0])) / STEP_MM)
    return Landmark(sample, FORAMEN_ABOVE_C2C3_MM, FORAMEN_SPREAD_MM)
