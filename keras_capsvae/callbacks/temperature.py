import numpy as np

from keras_capsvae.callbacks.steps import StepCallback
from keras_capsvae.latents.gumbel_softmax import GumbelSoftmaxLatent
from keras_capsvae.typing import Config
from keras_capsvae.validation.numbers import check_positive


class TemperatureAnnealing(StepCallback):
    """Lowers the temperature of Gumbel-softmax latents in each step.

    In step s (the optimizer's count, so that a resumed training goes on where
    it stopped) `τ = end + (start − end) · rate^s`: draws that are soft at first
    let gradients through, and end near those of inference.

    Args:
        rate: Share of what lies above `end` that a step leaves, at most 1.
            Defaults to 0.999.
        start: First temperature. Defaults to `None`: the latent's own.
        end: Temperature that is approached. Defaults to 0.01; 0.5 is another
            usual one.

    Raises:
        ValueError: If a number is not above 0 or the rate above 1, and, before
            training, if the model has no `GumbelSoftmaxLatent`.
        TypeError: If one is no number.

    Example:

    ```python
    x, z = keras.Input((784,)), keras.Input((8, 10))
    logits = keras.layers.Reshape((8, 10))(keras.layers.Dense(80)(x))
    pixels = keras.layers.Dense(784, "sigmoid")(keras.layers.Flatten()(z))
    model = VariationalAutoencoder(
        keras.Model(x, logits), keras.Model(z, pixels), GumbelSoftmaxLatent()
    )
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(images, epochs=2, callbacks=[TemperatureAnnealing()])
    ```

    Source: kexue.fm 6705; Jang, Gu and Poole, 2016, section 3.1.
    """

    def __init__(
        self,
        rate: float = 0.999,
        start: float | None = None,
        end: float = 0.01,
    ):
        super().__init__()
        self.rate = check_positive("rate", rate)
        if self.rate > 1:
            raise ValueError(f"`rate` must be at most 1. Received: rate={rate}")
        self.start = None if start is None else check_positive("start", start)
        self.end = check_positive("end", end)

    def on_train_begin(self, logs: Config | None = None) -> None:
        latent = getattr(self.model, "latent", None)
        if not isinstance(latent, GumbelSoftmaxLatent):
            raise ValueError(
                "TemperatureAnnealing expects a model with a "
                f"GumbelSoftmaxLatent. Received: model {self.model.name!r}"
            )
        self._moved = None

    def temperature(self, step: int) -> float:
        """τ in this training step, from 0."""
        own = self.model.latent.initial_temperature
        start = own if self.start is None else self.start
        return self.end + (start - self.end) * self.rate**step

    def on_step(self, step: int) -> None:
        temperature = np.float32(self.temperature(step))
        if temperature != self._moved:
            self.sync()
            self.model.latent.temperature.assign(temperature)
            self._moved = temperature
