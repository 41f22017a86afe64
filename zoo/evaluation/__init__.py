"""Figures of merit of trained models."""

from zoo.evaluation.classes import class_report
from zoo.evaluation.clustering import clustering
from zoo.evaluation.codes import code_figures
from zoo.evaluation.figures import active_units
from zoo.evaluation.figures import evaluate
from zoo.evaluation.figures import has_latents
from zoo.evaluation.figures import mutual_information
from zoo.evaluation.figures import posterior_deviations

__all__ = [
    "active_units",
    "class_report",
    "clustering",
    "code_figures",
    "evaluate",
    "has_latents",
    "mutual_information",
    "posterior_deviations",
]
