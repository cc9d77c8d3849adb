"""Time and memory of making the sample data set, beside their targets: ``python benchmarks/phantom.py``."""

from __future__ import annotations

import resource
import tempfile
import time

from napari_spinalq.phantom.sample import write_sample_data

TARGET_CPU_S = 90.0
TARGET_MEMORY_GB = 2.0


def main() -> None:
    """Write the data set into a temporary folder and print what it took."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        written = write_sample_data(folder)
        size_mb = sum(path.stat().st_size for path in written) / 1e6
    seconds = time.process_time() - start
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"two exams: {seconds:.0f} s of processor time (target {TARGET_CPU_S:.0f} s)")
    print(
        f"largest memory: {memory_gb:.2f} GB (target {TARGET_MEMORY_GB:.0f} GB); size {size_mb:.1f} MB (target 12 MB)"
    )


if __name__ == "__main__":
    main()
