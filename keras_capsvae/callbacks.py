import keras

from keras_capsvae.layers.kl_loss import KLLoss


class KLWarmUp(keras.callbacks.Callback):
    """Raises the weight of the KL divergence linearly while training starts.

    In epoch e (from 0) every `KLLoss` of the model weighs
    `start + (end − start) · min(1, e / epochs)`: a model that pays nothing for
    its divergence first learns to use its latents, which helps against
    posterior collapse. The weight depends on the epoch alone, so a resumed
    training goes on where it stopped.

    Args:
        epochs: Epochs until `end` is reached, at least 1.
        start: First weight. Defaults to 0.
        end: Last weight. Defaults to `None`: the weight that each layer was
            made with.

    Raises:
        ValueError: If `epochs` is below 1 or a weight is negative, and, before
            training, if the model has no `KLLoss`.

    Example:

    >>> model.fit(x, epochs=50, callbacks=[KLWarmUp(epochs=10)])

    Source: Sønderby et al., "Ladder Variational Autoencoders", 2016.
    """

    def __init__(self, epochs, start=0.0, end=None):
        super().__init__()
        if epochs < 1 or start < 0 or (end is not None and end < 0):
            raise ValueError(
                "`epochs` must be at least 1, `start` and `end` not negative. "
                f"Received: epochs={epochs}, start={start}, end={end}"
            )
        self.epochs = epochs
        self.start = start
        self.end = end

    def on_train_begin(self, logs=None):
        self._kl_losses = list(_kl_losses(self.model))
        if not self._kl_losses:
            raise ValueError(
                "KLWarmUp expects a model with a KLLoss layer. "
                f"Received: model {self.model.name!r} without one"
            )

    def on_epoch_begin(self, epoch, logs=None):
        progress = min(1.0, epoch / self.epochs)
        for layer in self._kl_losses:
            end = layer.initial_weight if self.end is None else self.end
            layer.weight.assign(self.start + (end - self.start) * progress)


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

    def __init__(self, every=1, temperature=0.0, write=print):
        super().__init__()
        if every < 1:
            raise ValueError(
                f"`every` must be at least 1. Received: every={every}"
            )
        self.every = every
        self.temperature = temperature
        self.write = write

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.every == 0:
            (text,) = self.model.generate(
                1, seed=done, temperature=self.temperature
            )
            self.write(f"\n{done}: {text}")


def _kl_losses(model):
    for layer in model.layers:
        if isinstance(layer, KLLoss):
            yield layer
        elif isinstance(layer, keras.Model):
            yield from _kl_losses(layer)
