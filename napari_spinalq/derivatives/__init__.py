"""Results as files: which is called what, the tables, and writing all of an exam."""

from napari_spinalq.derivatives.paths import (
    ScanPaths,
    SummaryPaths,
    check_free,
    discs_path,
    journal_path,
    output_paths,
    scan_paths,
    summary_paths,
)
from napari_spinalq.derivatives.tables import measure_files, metrics_table, structure_of_name
from napari_spinalq.derivatives.write import (
    NOT_DRAWN,
    label_outputs,
    write_exams,
    write_labels,
    write_levels,
    write_scan,
    write_segments,
)

__all__ = [
    "NOT_DRAWN",
    "ScanPaths",
    "SummaryPaths",
    "check_free",
    "discs_path",
    "journal_path",
    "label_outputs",
    "measure_files",
    "metrics_table",
    "output_paths",
    "scan_paths",
    "structure_of_name",
    "summary_paths",
    "write_exams",
    "write_labels",
    "write_levels",
    "write_scan",
    "write_segments",
]
