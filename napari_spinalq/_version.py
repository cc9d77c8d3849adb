"""The one place that holds the version (read by the build, the command line and the sidecars)."""

__version__ = "0.1.0"
