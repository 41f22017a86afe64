import keras

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
        self._first_step = int(self.model.optimizer.iterations)

    def on_train_batch_begin(
        self, batch: int, logs: Config | None = None
    ) -> None:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        batches = optimizer.gradient_accumulation_steps or 1
        self.on_step(self._first_step + batch // batches)

    def sync(self) -> None:
        """Bring the variables up to date that JAX keeps apart in training."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
