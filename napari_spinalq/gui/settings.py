"""What a user sets once, in napari's preferences."""

from __future__ import annotations

from napari.settings import get_plugin_settings

from napari_spinalq.gui.display import Convention

PLUGIN = "napari-spinalq"


def convention() -> Convention:
    """Return the display convention from the preferences; radiological where napari knows no plugin settings."""
    settings = _settings()
    return Convention(settings.display.convention) if settings is not None else Convention.RADIOLOGICAL


def remember_convention(value: Convention) -> None:
    """Keep the display convention for the next start."""
    settings = _settings()
    if settings is not None:
        settings.display.convention = value.value


def rater() -> str:
    """Return the name under which results are rated; empty while none was given."""
    return str(getattr(getattr(_settings(), "quality", None), "rater", "") or "")


def remember_rater(name: str) -> None:
    """Keep the name under which results are rated for the next start."""
    quality = getattr(_settings(), "quality", None)
    if quality is not None:
        quality.rater = name


def _settings() -> object | None:
    """Return the plugin's settings; None while the plugin is not registered (as in a viewer made by a test)."""
    return get_plugin_settings().get(PLUGIN)
