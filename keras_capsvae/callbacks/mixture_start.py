from typing import Any

import keras

from keras_capsvae.latents.mixtures import GaussianMixture
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
