"""kexue.fm 5383: why a VAE needs one posterior sample, and none of the prior.

Five dense nets of one size on dynamically binarised images, which differ in
their loss alone.
"""

import json
import os
import pathlib
from typing import Any

import click
import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

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

LATENTS, HIDDEN = 16, 256
EPOCHS, QUICK_EPOCHS, BATCH, SEED = 20, 2, 100, 1
SAMPLES = 8
LIKELIHOOD_SAMPLES, QUICK_SAMPLES = 500, 20
TEST_IMAGES = 2000


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


def run(out: str | os.PathLike, quick: bool = False) -> list[pathlib.Path]:
    """Train the five nets; write figures and one picture.

    The short form trains two epochs on the embedded digits.
    """
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    data = datasets.load("digits" if quick else "mnist", (784,))
    train = datasets.Batches(
        data.x_train, batch_size=BATCH, seed=SEED, binarize=True
    )
    test = datasets.binarized(data.x_test)[: 100 if quick else TEST_IMAGES]
    paths = [folder / "figures.json", folder / "why_vae_works.png"]
    figures, models = {}, {}
    for name in NETS:
        click.echo(name)
        models[name] = _untrained(name, data.x_train)
        epochs = QUICK_EPOCHS if quick else EPOCHS
        models[name].fit(train, epochs=epochs, verbose=0)
        samples = QUICK_SAMPLES if quick else LIKELIHOOD_SAMPLES
        figures[name] = _figures(models[name], test, samples)
        paths[0].write_text(json.dumps(figures, indent=2) + "\n")
    deviations = evaluation.posterior_deviations(
        models["KL in closed form"], test
    )
    figures["posterior_deviation_quantiles"] = {
        str(q): float(np.quantile(deviations, q))
        for q in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    paths[0].write_text(json.dumps(figures, indent=2) + "\n")
    draws = {name: model.generate(16, seed=0) for name, model in models.items()}
    _drawn(figures, deviations, draws).savefig(paths[1], dpi=150)
    return paths


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
    """Nats an image, and latents in use."""
    figures = {
        "log_likelihood": likelihood.log_likelihood(
            model, test, samples, verbose=0
        ).mean(),
        "elbo": likelihood.elbo(model, test, verbose=0).mean(),
        "active_units": evaluation.active_units(model, test),
        "mutual_information": evaluation.mutual_information(model, test),
    }
    return {key: round(float(value), 3) for key, value in figures.items()}


def _drawn(figures, deviations, draws):
    """Nats of each net, the posterior's σ, and what each net draws."""
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    parts: Any = figure.subfigures(2, height_ratios=[3, 2])
    upper, lower = parts
    bars, histogram = upper.subplots(1, 2, width_ratios=[3, 2])
    nats = [-figures[name]["log_likelihood"] for name in draws]
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
