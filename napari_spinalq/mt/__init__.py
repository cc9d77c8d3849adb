"""Magnetisation transfer: MTR and MTsat."""
