import keras

from keras_capsvae.private_keras import batches_taken
from keras_capsvae.typing import Config


class StepCallback(keras.callbacks.Callback):
    """A callback told of each training step, counted by the optimizer.

    A resumed training therefore goes on where it stopped. A subclass implements
    `on_step`.
    """

    def on_step(self, step: int) -> None:
        """Called before the training step of this number, from 0."""
        raise NotImplementedError

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        # Read once: what is read in each step would wait for the last one.
        self.sync()
        self._first_batch, self._batches = batches_taken(self.model.optimizer)

    def on_train_batch_begin(
        self, batch: int, logs: Config | None = None
    ) -> None:
        self.on_step((self._first_batch + batch) // self._batches)

    def sync(self) -> None:
        """Bring the variables up to date that JAX keeps apart in training."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
