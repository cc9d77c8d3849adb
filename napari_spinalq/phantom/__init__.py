"""Digital cords with known truth."""

from napari_spinalq.phantom.design import ExamDesign, TractChange, als_like_design, healthy_design, second_visit
from napari_spinalq.phantom.diffusion import Scheme
from napari_spinalq.phantom.make import PhantomExam, make_exam
from napari_spinalq.phantom.protocol import DWI_LONG
from napari_spinalq.phantom.series import Dropout, Move, SeriesDesign, SeriesTruth
from napari_spinalq.phantom.shapes import EllipticCylinder, simple_cylinder
from napari_spinalq.phantom.truth import ScanTruth

__all__ = [
    "DWI_LONG",
    "Dropout",
    "EllipticCylinder",
    "ExamDesign",
    "Move",
    "PhantomExam",
    "ScanTruth",
    "Scheme",
    "SeriesDesign",
    "SeriesTruth",
    "TractChange",
    "als_like_design",
    "healthy_design",
    "make_exam",
    "second_visit",
    "simple_cylinder",
]
