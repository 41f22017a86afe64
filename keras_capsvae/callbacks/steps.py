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

    def on_train_begin(self, logs: Config | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        self._batches_of_step = optimizer.gradient_accumulation_steps or 1
        self._left_over, self._done = 0, 0

    def on_epoch_begin(self, epoch: int, logs: Config | None = None) -> None:
        # Read once: what is read in each step would wait for the last one.
        self.sync()
        self._first_step = int(self.model.optimizer.iterations)
        self._left_over = (self._left_over + self._done) % self._batches_of_step
        self._done = 0

    def on_train_batch_begin(
        self, batch: int, logs: Config | None = None
    ) -> None:
        steps = (self._left_over + batch) // self._batches_of_step
        self.on_step(self._first_step + steps)

    def on_train_batch_end(
        self, batch: int, logs: Config | None = None
    ) -> None:
        self._done = batch + 1

    def sync(self) -> None:
        """Bring the variables up to date that JAX keeps apart in training."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
