"""What kinds of latents can be drawn as."""

import functools
from collections.abc import Callable

from keras_capsvae import GaussianLatent
from keras_capsvae import Latent
from keras_capsvae import VonMisesFisherLatent
from zoo import plots
from zoo.plots.canvas import Picture


@functools.singledispatch
def map_of(latent: Latent) -> Callable[..., Picture] | None:
    """What draws where examples lie in the space of latents, if it can be."""
    return None if latent.num_codes is not None else plots.latent_scatter


@map_of.register
def _(latent: VonMisesFisherLatent):
    return plots.latent_sphere if latent.dims == 3 else plots.latent_scatter


@functools.singledispatch
def is_plane(latent: Latent, latent_dim: int) -> bool:
    """Whether a grid of points shows what the decoder makes of latents."""
    return latent_dim <= 2 and latent.num_codes is None


@is_plane.register
def _(latent: VonMisesFisherLatent, latent_dim):
    return False


@functools.singledispatch
def has_axes(latent: Latent, dims: tuple[int, ...]) -> bool:
    """Whether single latents are worth drawing, which a plane shows better."""
    return False


@has_axes.register
def _(latent: GaussianLatent, dims):
    return len(dims) == 1 and dims[0] > 2
