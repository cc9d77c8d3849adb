"""Colours of the plots along the cord, for a light and a dark window."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.theme import get_theme


@dataclass(frozen=True)
class Palette:
    """Colours as ``"#RRGGBB"``; those of marks are Okabe-Ito, dark enough or bright enough for the background."""

    background: str
    text: str
    line: str
    edited: str
    doubtful: str
    spike: str
    band: str


def palette_of(theme: str) -> Palette:
    """Return the colours that go with a theme of napari."""
    colours = get_theme(theme)
    background, text = colours.background.as_hex(format="long"), colours.text.as_hex(format="long")
    if colours.type == "light":
        return Palette(background, text, "#000000", "#0072B2", "#8A4F75", "#D55E00", "#009E73")
    return Palette(background, text, "#FFFFFF", "#56B4E9", "#CC79A7", "#FF8A33", "#009E73")
