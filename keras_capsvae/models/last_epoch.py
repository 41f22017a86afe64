import keras
from keras import ops

from keras_capsvae.typing import Config


class ScheduledOfLastEpoch(keras.callbacks.Callback):
    """Keeps what schedules move, such as β, as the last epoch left it.

    `EarlyStopping` restores every weight of its best epoch, these among them.
    It comes after it.
    """

    def __init__(self, variables: list[keras.Variable]) -> None:
        super().__init__()
        self.variables = variables
        self.last = []

    def on_epoch_end(self, epoch: int, logs: Config | None = None) -> None:
        self.last = [ops.convert_to_numpy(one) for one in self.variables]

    def on_train_end(self, logs: Config | None = None) -> None:
        for variable, value in zip(self.variables, self.last):
            variable.assign(value)
