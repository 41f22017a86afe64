"""Callbacks that start clusters, print texts and move margins."""

import math
from collections.abc import Callable
from typing import Any

import keras

from keras_capsvae.callbacks.steps import StepCallback
from keras_capsvae.latents.mixtures import GaussianMixture
from keras_capsvae.losses import SpreadLoss
from keras_capsvae.typing import Config
from keras_capsvae.validation.numbers import check_integer


class MixtureStart(keras.callbacks.Callback):
    """Starts the clusters of a mixture once the encoder has learnt.

    Before the given epoch it fits the components of the model's
    `GaussianMixture` to the latents of x: of an encoder that knows nothing yet
    clusters are none, and components that start by chance share them badly. It
    depends on epoch and weights alone, so a resumed training goes on where it
    stopped.

    Args:
        x: Examples that the clusters start from.
        epochs: Epochs that come before, at least 1.
        seed: Integer seed of the fit. Defaults to 0.

    Raises:
        ValueError: If `epochs` is below 1, and, before training, if the model
            has no such prior.

    Example:

    ```python
    latent = GaussianLatent(prior=GaussianMixture(3))
    model = VariationalAutoencoder(encoder, decoder, latent)
    model.compile("adam", loss=BernoulliReconstruction())
    start = MixtureStart(images, epochs=10)
    model.fit(images, epochs=50, callbacks=[start])
    clusters = model.predict_clusters(images)
    ```

    Source: Jiang et al., "Variational Deep Embedding", 2016, section 3.4.
    """

    def __init__(self, x: Any, epochs: int, seed: int = 0):
        super().__init__()
        self.x = x
        self.epochs = check_integer("epochs", epochs)
        self.seed = seed

    def on_train_begin(self, logs: Config | None = None) -> None:
        latent = getattr(self.model, "latent", None)
        if not isinstance(getattr(latent, "prior", None), GaussianMixture):
            raise ValueError(
                "MixtureStart expects a model whose prior is a "
                f"GaussianMixture. Received: model {self.model.name!r}"
            )

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        if epoch == self.epochs:
            z = self.model.encode(self.x, batch_size=256)
            self.model.latent.prior.adapt(z, self.seed)


class PrintedText(keras.callbacks.Callback):
    """Prints a text that the model generates after each epoch.

    The text of an epoch depends on its number and the weights alone.

    Args:
        every: Print after each so many epochs. Defaults to 1.
        temperature: See `PoemAutoencoder.generate`. Defaults to 0.
        write: Function that takes the line. Defaults to `print`.

    Raises:
        ValueError: If `every` is below 1.

    Example:

    >>> model.fit(ids, epochs=100, callbacks=[PrintedText(every=10)])

    Source: kexue.fm 5332.
    """

    def __init__(
        self,
        every: int = 1,
        temperature: float = 0.0,
        write: Callable[[str], Any] = print,
    ):
        super().__init__()
        self.every = check_integer("every", every)
        self.temperature = temperature
        self.write = write

    def on_epoch_end(self, epoch: int, logs: Config | None = None) -> None:
        done = epoch + 1
        if done % self.every == 0:
            (text,) = self.model.generate(
                1, seed=done, temperature=self.temperature
            )
            self.write(f"\n{done}: {text}")


class SpreadMargin(StepCallback):
    """Raises the margin of a `SpreadLoss` from 0.2 to 0.99 while training.

    In step s (the optimizer's count, so that a resumed training goes on where
    it stopped) `m = 0.2 + 0.79 · sigmoid(min(10, 14 · s / steps − 4))`, at the
    default the authors' `sigmoid(min(10, s / 50000 − 4))`. A small margin at
    first keeps capsules from dying early. The paper's text says that m ends at
    0.9; its formula ends at 0.99.

    Args:
        steps: Steps after which the margin has its last value; shorten it to
            the length of your training. Defaults to 700,000, the authors'.

    Raises:
        ValueError: If `steps` is below 1, and, before training, if the model is
            not compiled with a `SpreadLoss` or, on JAX, does not hold its
            margin among its variables as the models of `zoo` do.
        TypeError: If `steps` is no integer.

    Example:

    >>> model.fit(x, y, epochs=10, callbacks=[SpreadMargin(steps=5000)])

    Source: kexue.fm 5155; the authors' answer on openreview.net, HJWLfGWRb.
    """

    def __init__(self, steps: int = 700_000):
        super().__init__()
        self.steps = check_integer("steps", steps)

    def margin(self, step: int) -> float:
        """m in this training step, from 0."""
        progress = min(10.0, 14.0 * step / self.steps - 4.0)
        return 0.2 + 0.79 / (1.0 + math.exp(-progress))

    def on_train_begin(self, logs: Config | None = None) -> None:
        loss = self.model.loss
        if not isinstance(loss, SpreadLoss):
            raise ValueError(
                "SpreadMargin expects a model compiled with a SpreadLoss. "
                f"Received: model {self.model.name!r} with loss={loss!r}"
            )
        known = {id(variable) for variable in self.model.metrics_variables}
        is_jax = keras.backend.backend() == "jax"
        if is_jax and id(loss.margin) not in known:
            raise ValueError(
                "On JAX a compiled step sees only what the model counts among "
                "its variables: train a MatrixCapsuleNetwork. "
                f"Received: model of type {type(self.model).__name__}"
            )

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._margin = float(self.model.loss.margin)

    def on_step(self, step: int) -> None:
        margin = self.margin(step)
        if margin != self._margin:
            self.sync()
            self.model.loss.margin.assign(margin)
            self._margin = margin
