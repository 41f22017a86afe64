import keras
from keras import ops

from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor


class BetaOfLastEpoch(keras.callbacks.Callback):
    """Keeps β as the last epoch left it.

    `EarlyStopping` restores every weight of its best epoch, β among them.
    """

    def __init__(self, beta: Tensor) -> None:
        super().__init__()
        self.beta = beta
        self.last = None

    def on_epoch_end(self, epoch: int, logs: Config | None = None) -> None:
        self.last = ops.convert_to_numpy(self.beta)

    def restore(self) -> None:
        if self.last is not None:
            self.beta.assign(self.last)
