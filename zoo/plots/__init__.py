"""Pictures of variational autoencoders and of their training.

Every function returns a `matplotlib.figure.Figure` and leaves the global state
of pyplot alone: notebooks show it, `figure.savefig("picture.png")` keeps it.
"""

from zoo.plots.callback import EpochPicture
from zoo.plots.curves import training_curves
from zoo.plots.decoder_map import manifold
from zoo.plots.images import image_grid
from zoo.plots.latent import latent_scatter
from zoo.plots.pictures import class_samples
from zoo.plots.pictures import reconstructions
from zoo.plots.pictures import samples

__all__ = [
    "EpochPicture",
    "class_samples",
    "image_grid",
    "latent_scatter",
    "manifold",
    "reconstructions",
    "samples",
    "training_curves",
]
