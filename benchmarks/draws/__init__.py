"""Labelled scans and random harm done to them, for the benchmarks."""
