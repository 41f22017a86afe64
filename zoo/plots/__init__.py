"""Pictures of capsule networks, VAEs and their training.

Every function returns a `matplotlib.figure.Figure` and leaves the global state
of pyplot alone: notebooks show it, `figure.savefig("picture.png")` keeps it.
"""

from zoo.plots.assignments import assignments
from zoo.plots.callback import EpochPicture
from zoo.plots.clusters import clusters
from zoo.plots.compared_curves import compared_curves
from zoo.plots.confusion import confusion
from zoo.plots.couplings import couplings
from zoo.plots.curves import training_curves
from zoo.plots.decoder_map import manifold
from zoo.plots.deviations import posterior_deviations
from zoo.plots.images import image_grid
from zoo.plots.latent import latent_scatter
from zoo.plots.perturbations import perturbations
from zoo.plots.pictures import class_samples
from zoo.plots.pictures import reconstructions
from zoo.plots.pictures import samples
from zoo.plots.predictions import predictions
from zoo.plots.scores import score_maps
from zoo.plots.sphere import latent_sphere
from zoo.plots.styles import styles
from zoo.plots.traversals import traversals

__all__ = [
    "EpochPicture",
    "assignments",
    "class_samples",
    "clusters",
    "compared_curves",
    "confusion",
    "couplings",
    "image_grid",
    "latent_scatter",
    "latent_sphere",
    "manifold",
    "perturbations",
    "posterior_deviations",
    "predictions",
    "reconstructions",
    "samples",
    "score_maps",
    "styles",
    "training_curves",
    "traversals",
]
