"""Digital cords with known truth."""

from napari_spinalq.phantom.design import ExamDesign, TractChange, als_like_design, healthy_design, second_visit
from napari_spinalq.phantom.make import PhantomExam, make_exam
from napari_spinalq.phantom.shapes import EllipticCylinder, simple_cylinder
from napari_spinalq.phantom.truth import ScanTruth

__all__ = [
    "EllipticCylinder",
    "ExamDesign",
    "PhantomExam",
    "ScanTruth",
    "TractChange",
    "als_like_design",
    "healthy_design",
    "make_exam",
    "second_visit",
    "simple_cylinder",
]
