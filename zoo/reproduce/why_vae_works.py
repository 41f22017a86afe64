"""kexue.fm 5383: why a VAE needs one posterior sample, and none of the prior.

Five dense nets of one size on dynamically binarised images, which differ in
their loss alone.
"""

import pathlib
from typing import Any

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure as MatplotlibFigure

from keras_capsvae import BernoulliReconstruction
from keras_capsvae import ImportanceWeightedAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae.divergences import importance_weighted_bound
from keras_capsvae.typing import Tensor
from zoo import datasets
from zoo import evaluation
from zoo import likelihood
from zoo.models.vae import dense_decoder
from zoo.models.vae import dense_encoder
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

LATENTS, HIDDEN = 16, 256
EPOCHS, QUICK_EPOCHS, BATCH, SEED = 20, 30, 100, 1
SAMPLES = 8
LIKELIHOOD_SAMPLES, QUICK_SAMPLES = 500, 50
TEST_IMAGES, QUICK_IMAGES = 2000, 500
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class SeveralSamples(ImportanceWeightedAutoencoder):
    """The ELBO with the mean of several samples in the place of one."""

    def bound_of(self, log_weights: Tensor) -> Tensor:
        return ops.mean(log_weights, axis=-1)


class PriorSampling(ImportanceWeightedAutoencoder):
    """Equation 7: `−mean_x [logsumexp_i ln q(x|z_i) − ln k]`, z_i ~ N(0, 1).

    The samples are shared by the batch; the encoder is never trained.
    """

    def terms(
        self, target: Tensor, forward: dict[str, Tensor], training: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        z_mean, _ = forward["parameters"]
        batch, latent_dim = ops.shape(z_mean)
        z = keras.random.normal(
            (1, self.num_samples, latent_dim), seed=self.latent.seed_generator
        )
        z = ops.broadcast_to(z, (batch, self.num_samples, latent_dim))
        errors = self.reconstruction.errors_of_samples(
            self.loss, target, z, [], training
        )
        bound = importance_weighted_bound(-errors)
        return ops.mean(errors, axis=-1), ops.zeros_like(bound), -bound


def _prior_sampling(encoder, decoder):
    # The posterior of no image is known: that of each is the prior.
    encoder.set_weights([0 * value for value in encoder.get_weights()])
    encoder.trainable = False
    return PriorSampling(encoder, decoder, num_samples=SAMPLES, seed=SEED)


NETS = {
    "KL in closed form": lambda *parts: VariationalAutoencoder(
        *parts, seed=SEED
    ),
    "KL of one sample": lambda *parts: VariationalAutoencoder(
        *parts, estimator="monte_carlo", seed=SEED
    ),
    "8 posterior samples": lambda *parts: SeveralSamples(
        *parts, num_samples=SAMPLES, seed=SEED
    ),
    "IWAE, 8 samples": lambda *parts: ImportanceWeightedAutoencoder(
        *parts, num_samples=SAMPLES, seed=SEED
    ),
    "8 prior samples": _prior_sampling,
}


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    return len(NETS) * (QUICK_EPOCHS if quick else EPOCHS)


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train the five nets; nats an image and one picture."""
    data = datasets.load(steps.mnist(quick), (784,))
    train = datasets.Batches(
        data.x_train, batch_size=BATCH, seed=SEED, binarize=True
    )
    images = QUICK_IMAGES if quick else TEST_IMAGES
    test = datasets.binarized(data.x_test)[:images]
    samples = QUICK_SAMPLES if quick else LIKELIHOOD_SAMPLES
    figures, models = {}, {}
    for name in NETS:
        model = models[name] = _untrained(name, data.x_train)
        length = QUICK_EPOCHS if quick else EPOCHS
        steps.fit(model, train, length, folder / name, progress)
        for measured, value in _figures(model, test, samples).items():
            figures[f"{name}{measured}"] = Figure((float(value),))
    deviations = evaluation.posterior_deviations(
        models["KL in closed form"], test
    )
    for share in QUANTILES:
        value = float(np.quantile(deviations, share))
        figures[f"posterior σ, {share:.0%} quantile"] = Figure((value,))
    draws = {name: model.generate(16, seed=0) for name, model in models.items()}
    path = folder / "why_vae_works.png"
    _drawn(figures, deviations, draws).savefig(path, dpi=150)
    return figures, [path]


def _untrained(name, images):
    keras.utils.set_random_seed(SEED)
    parts = [
        part(784, LATENTS, HIDDEN) for part in (dense_encoder, dense_decoder)
    ]
    model = NETS[name](*parts)
    uses_xla = keras.backend.backend() == "tensorflow"
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss=BernoulliReconstruction(),
        jit_compile=True if uses_xla else "auto",
    )
    model.adapt(images)
    return model


def _figures(model, test, samples):
    """Nats an image, the first of them the claim's, and latents in use."""
    nats = likelihood.log_likelihood(model, test, samples, verbose=0)
    return {
        "": -nats.mean(),
        ", negative ELBO": -likelihood.elbo(model, test, verbose=0).mean(),
        ", active latents": evaluation.active_units(model, test),
        ", mutual information": evaluation.mutual_information(model, test),
    }


def _drawn(figures, deviations, draws):
    """Nats of each net, the posterior's σ, and what each net draws."""
    figure = MatplotlibFigure(figsize=(8, 4.6), layout="constrained")
    parts: Any = figure.subfigures(2, height_ratios=[3, 2])
    upper, lower = parts
    bars, histogram = upper.subplots(1, 2, width_ratios=[3, 2])
    nats = [figures[name].mean for name in draws]
    drawn = bars.barh(list(draws), nats, color="C0")
    bars.bar_label(drawn, [f"{value:.1f}" for value in nats], padding=3)
    bars.invert_yaxis()
    bars.set_xlabel("negative log-likelihood, test (nats per image)")
    histogram.hist(deviations.ravel(), 60, color="C1")
    histogram.set_title("σ of the posterior (prior: 1)")
    histogram.set_yticks([])
    for axes in (bars, histogram):
        axes.spines[["top", "right"]].set_visible(False)
    panels = lower.subplots(1, len(draws))
    for axes, (name, images) in zip(panels, draws.items()):
        grid = images.reshape(4, 4, 28, 28).swapaxes(1, 2).reshape(112, 112)
        axes.imshow(grid, cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(name, fontsize=8)
        axes.axis("off")
    return figure
