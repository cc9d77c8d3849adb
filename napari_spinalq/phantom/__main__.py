"""``python -m napari_spinalq.phantom FOLDER`` writes the sample data set."""

from __future__ import annotations

import argparse
import sys

from napari_spinalq.phantom.sample import write_sample_data


def main() -> None:
    """Read the command line and write the data set, telling how far it is."""
    parser = argparse.ArgumentParser(
        prog="python -m napari_spinalq.phantom",
        description="Write the sample data set (two digital people with known truth) as BIDS.",
        epilog="Example: python -m napari_spinalq.phantom sample_data",
    )
    parser.add_argument("folder", help="root of the data set; files of the same name are replaced")
    folder = parser.parse_args().folder

    def tell(fraction: float, phrase: str) -> None:
        sys.stderr.write(f"\r{100 * fraction:3.0f} %  {phrase:<45}")

    written = write_sample_data(folder, progress=tell)
    size_mb = sum(path.stat().st_size for path in written) / 1e6
    sys.stderr.write("\n")
    print(f"{len(written)} files, {size_mb:.1f} MB, in {folder}")


if __name__ == "__main__":
    main()
