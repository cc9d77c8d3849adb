"""How well a reader finds faults that were put there on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy import special

from napari_spinalq.errors import InputError
from napari_spinalq.quality.readers.agreement import COVERAGE, Estimate


@dataclass(frozen=True)
class Detection:
    """A reader's answers on masks of which it is known whether they hold a fault.

    Attributes
    ----------
    hits, misses : int
        Masks with a fault that were failed, and that were passed.
    false_alarms, correct_passes : int
        Masks without one that were failed, and that were passed.
    """

    hits: int
    misses: int
    false_alarms: int
    correct_passes: int

    @property
    def with_fault(self) -> int:
        """Masks with a fault that were rated."""
        return self.hits + self.misses

    @property
    def without_fault(self) -> int:
        """Masks without a fault that were rated."""
        return self.false_alarms + self.correct_passes

    @property
    def sensitivity(self) -> Estimate:
        """Share of faults that were found; raises as :func:`share`."""
        return share(self.hits, self.with_fault)

    @property
    def specificity(self) -> Estimate:
        """Share of good masks that were passed; raises as :func:`share`."""
        return share(self.correct_passes, self.without_fault)

    @property
    def d_prime(self) -> float:
        """Detectability: 0 = guessing. Half an answer is added to each count, so that 0 and 100 % stay finite.

        Hautus MJ, Behav Res Methods Instrum Comput 1995;27:46-51, doi 10.3758/BF03203619.
        """
        hit_rate = (self.hits + 0.5) / (self.with_fault + 1.0)
        alarm_rate = (self.false_alarms + 0.5) / (self.without_fault + 1.0)
        return float(special.ndtri(hit_rate) - special.ndtri(alarm_rate))


def share(count: int, of: int) -> Estimate:
    """Return a share with Wilson's interval.

    Wilson EB, J Am Stat Assoc 1927;22:209-212, doi 10.1080/01621459.1927.10502953.

    Raises
    ------
    InputError
        If there is nothing of which it is a share.
    """
    if of < 1 or not 0 <= count <= of:
        raise InputError(f"{count} of {of} is no share; rate at least one mask of each kind.")
    z = float(special.ndtri(0.5 + COVERAGE / 2))
    value = count / of
    middle = (value + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * sqrt(value * (1 - value) / of + z**2 / (4 * of**2))
    return Estimate(value, max(0.0, middle - reach), min(1.0, middle + reach))
