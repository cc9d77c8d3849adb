"""How long ``spinalq --help`` takes as a whole process: median of repeated starts, beside its target."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

TARGET_S = 0.5
RUNS = 15


def main() -> None:
    """Print the figure."""
    command = shutil.which("spinalq", path=str(Path(sys.executable).parent)) or "spinalq"
    seconds = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run([command, "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    seconds = seconds[1:]  # the first start fills the disk cache
    print(f"{'figure':<24}{'median':>9}{'worst':>9}{'target':>9}")
    print(f"{'spinalq --help, s':<24}{statistics.median(seconds):>9.3f}{max(seconds):>9.3f}{TARGET_S:>9.3f}")


if __name__ == "__main__":
    main()
