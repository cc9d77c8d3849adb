"""Which picture shows what: cord, conus, squeezed cord, or one of the places that hold no cord."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from training.fields import chance

CONUS_SHARE, SQUEEZED_SHARE = 0.06, 0.06
"""Share of all pictures with a cord of 3 to 6 mm amid roots, and with a cord pressed flat in a narrow canal."""

NEAR_SHARES = {"brain": 0.22, "medulla": 0.16, "elsewhere": 0.17, "cauda": 0.30, "hollow": 0.09, "noise": 0.06}
"""What the pictures around a place without cord show: brain, medulla in its cistern, muscle, vessels or vertebra beside
the canal, roots below the conus, nothing but fluid, nothing but noise."""

WIDE_SHARES = {"brain": 0.30, "medulla": 0.20, "elsewhere": 0.0, "cauda": 0.36, "hollow": 0.10, "noise": 0.04}
"""The same for whole slices, which show the place beside the canal anyway."""


class Cast(NamedTuple):
    """One truth value a picture, each of shape (b,); a picture without cord is exactly one of the last six."""

    conus: Tensor
    squeezed: Tensor
    brain: Tensor
    medulla: Tensor
    elsewhere: Tensor
    cauda: Tensor
    hollow: Tensor
    noise: Tensor

    @property
    def empty(self) -> Tensor:
        """Whether no cord is shown."""
        return self.brain | self.medulla | self.elsewhere | self.cauda | self.hollow | self.noise

    @property
    def no_canal(self) -> Tensor:
        """Whether not even a canal is shown."""
        return self.brain | self.elsewhere | self.noise


def draw_cast(count: int, without_cord: float, wide: bool, g: torch.Generator) -> Cast:
    """Draw what some pictures show.

    Parameters
    ----------
    count : int
        Number of pictures.
    without_cord : float
        Share of them without cord.
    wide : bool
        Whether whole slices are drawn.
    g : torch.Generator
        Source of chance.
    """
    shares = torch.tensor(list((WIDE_SHARES if wide else NEAR_SHARES).values()))
    kind = torch.multinomial(shares, count, replacement=True, generator=g)
    empty = chance(count, without_cord, g)
    one = torch.rand(count, generator=g)
    conus = ~empty & (one < CONUS_SHARE)
    squeezed = ~empty & (one > 1 - SQUEEZED_SHARE)
    return Cast(conus, squeezed, *(empty & (kind == number) for number in range(len(shares))))
