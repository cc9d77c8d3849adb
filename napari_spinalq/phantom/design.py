"""What an exam is made from: the person, the disease, the visit and the scanner's faults, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from napari_spinalq.anatomy.figures import FORAMEN_MAGNUM_MM
from napari_spinalq.errors import InputError
from napari_spinalq.phantom.anatomy import Anatomy, Pose
from napari_spinalq.phantom.cord import LEVELS, CordDesign
from napari_spinalq.phantom.curve import SagittalCurve
from napari_spinalq.phantom.series import SeriesDesign
from napari_spinalq.phantom.tissue import TRACT_NAMES

HEALTHY_LOSS_PER_MONTH = 0.0002
"""Share of cord area that healthy ageing takes a month: -0.010 to -0.019 mm2 of about 70 in people in their seventies,
fitted on public longitudinal data."""

ALS_LOSS_PER_MONTH = 0.002
"""Share of cord area lost a month in ALS: -0.14 mm2 of about 70 (as reported by El Mendili et al. 2014, PLoS One,
doi:10.1371/journal.pone.0095516)."""


@dataclass(frozen=True)
class TractChange:
    """Factors on the properties of one tract: fractional anisotropy, mean diffusivity, MTR, and T2-weighted signal."""

    fa: float = 1.0
    md: float = 1.0
    mtr: float = 1.0
    t2: float = 1.0

    def __post_init__(self) -> None:
        if min(self.fa, self.md, self.mtr, self.t2) <= 0:
            raise InputError("Factors of a tract change must be positive; 1 leaves a property as it is.")


@dataclass(frozen=True)
class ExamDesign:
    """One visit of one digital person.

    Attributes
    ----------
    seed : int
        Identity: size, curvature and build.
    noise_seed : int
        Noise and bias field of this visit.
    cord_atrophy, gm_atrophy : dict of level (1 = C1 .. 10 = T3) to factor
        Area as a share of the healthy one.
    tract_changes : dict of tract name to TractChange
        Names as in ``TRACT_NAMES``, such as ``lateral_cst_left``; left and right are the patient's.
    pose : Pose
        Position in the scanner.
    noise : float
        Factor on the noise of every contrast; 0 gives noise-free images.
    bias : float
        Swing of the smooth intensity bias (0.25: about 25 % across the field of view); 0 gives none.
    monthly_loss : float
        Share of cord area lost a month, used by :func:`second_visit`.
    series : SeriesDesign
        How the diffusion series is measured; by default without motion and distortion.
    sex, age_years, height_cm, group
        What participants.tsv says about the person.
    """

    seed: int = 1
    noise_seed: int = 1
    cord_atrophy: dict[int, float] = field(default_factory=dict)
    gm_atrophy: dict[int, float] = field(default_factory=dict)
    tract_changes: dict[str, TractChange] = field(default_factory=dict)
    pose: Pose = field(default_factory=Pose)
    noise: float = 1.0
    bias: float = 0.25
    monthly_loss: float = HEALTHY_LOSS_PER_MONTH
    series: SeriesDesign = field(default_factory=SeriesDesign)
    sex: str = "F"
    age_years: int = 45
    height_cm: int = 168
    group: str = "healthy"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.tract_changes) - set(TRACT_NAMES))
        if unknown:
            raise InputError(f"{unknown[0]!r} is no tract of the phantom; use one of {', '.join(TRACT_NAMES)}.")
        if self.noise < 0 or self.bias < 0:
            raise InputError("Noise and bias of an exam must be zero or more.")

    def anatomy(self) -> Anatomy:
        """Return the person in this visit's pose: the same ``seed`` gives the same person."""
        random = np.random.Generator(np.random.PCG64(self.seed))
        size, spine, neck = 1 + np.array([0.05, 0.03, 0.04]) * random.uniform(-1, 1, 3)
        tilt, lordosis, flexion = np.array([9.0, 20.0, 10.0]) + np.array([2.0, 4.0, 2.0]) * random.uniform(-1, 1, 3)
        curve = SagittalCurve(tilt, lordosis, flexion, FORAMEN_MAGNUM_MM * spine + 5.0)
        cord = CordDesign(float(size), float(spine), self.cord_atrophy, self.gm_atrophy)
        return Anatomy(cord, curve, float(neck), self.pose)


def healthy_design(seed: int = 1) -> ExamDesign:
    """Return a healthy person, different for each seed, slightly rotated in the scanner as people are."""
    random = np.random.Generator(np.random.PCG64([seed, 1]))
    return ExamDesign(seed=seed, noise_seed=seed, pose=_some_pose(random))


def als_like_design(seed: int = 2) -> ExamDesign:
    """Return a person with changes like those reported in ALS.

    Cord and, more, grey-matter atrophy at C5 to C7; lower FA with slightly higher MD (hence higher RD), lower MTR and
    mild T2 hyperintensity in both lateral corticospinal tracts, less in the ventral ones; dorsal columns nearly
    spared. Directions and sites follow Cohen-Adad et al. 2013, Amyotroph Lateral Scler Frontotemporal Degener,
    doi:10.3109/17482968.2012.701308; the sizes are choices of this phantom.
    """
    lateral, ventral = TractChange(0.80, 1.06, 0.88, 1.14), TractChange(0.90, 1.03, 0.94, 1.05)
    dorsal = TractChange(0.97, 1.01, 0.98, 1.0)
    changes = dict.fromkeys(("lateral_cst_left", "lateral_cst_right"), lateral)
    changes |= dict.fromkeys(("ventral_cst_left", "ventral_cst_right"), ventral)
    changes |= dict.fromkeys(("dorsal_column_left", "dorsal_column_right"), dorsal)
    return replace(
        healthy_design(seed),
        cord_atrophy={2: 0.97, 3: 0.95, 4: 0.92, 5: 0.86, 6: 0.82, 7: 0.83, 8: 0.90, 9: 0.95, 10: 0.96},
        gm_atrophy={2: 0.95, 3: 0.92, 4: 0.86, 5: 0.76, 6: 0.70, 7: 0.72, 8: 0.82, 9: 0.90, 10: 0.92},
        tract_changes=changes,
        monthly_loss=ALS_LOSS_PER_MONTH,
        sex="M",
        age_years=61,
        height_cm=176,
        group="als-like",
    )


def second_visit(design: ExamDesign, months: float = 12.0) -> ExamDesign:
    """Return the same person later: same identity, new noise, lain down anew, atrophy advanced.

    Every level loses ``monthly_loss`` of its cord area a month, and its grey matter twice that share.

    Raises
    ------
    InputError
        If ``months`` is not positive, or so large that nothing would be left.
    """
    loss = design.monthly_loss * months
    if months <= 0 or 2 * loss >= 1:
        raise InputError(f"A second visit {months:g} months later is not possible at this rate; give fewer months.")
    random = np.random.Generator(np.random.PCG64([design.noise_seed, 2]))
    cord = {level: design.cord_atrophy.get(level, 1.0) * (1 - loss) for level in LEVELS}
    grey = {level: design.gm_atrophy.get(level, 1.0) * (1 - 2 * loss) for level in LEVELS}
    noise_seed = int(random.integers(1, 2**31))
    return replace(design, noise_seed=noise_seed, pose=_some_pose(random), cord_atrophy=cord, gm_atrophy=grey)


def _some_pose(random: np.random.Generator) -> Pose:
    """Return a small position of a person who was told to lie straight: up to 3 degrees and 4 mm off."""
    pitch, roll, yaw = random.uniform(-1, 1, 3) * [1.5, 2.0, 3.0]
    shift = random.uniform(-1, 1, 3) * [2.0, 4.0, 4.0]
    return Pose(float(pitch), float(roll), float(yaw), (float(shift[0]), float(shift[1]), float(shift[2])))
