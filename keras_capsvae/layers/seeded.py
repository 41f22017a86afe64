from typing import Any

import keras

from keras_capsvae.private_keras import ReplicaSeedGenerator
from keras_capsvae.private_keras import entries_of
from keras_capsvae.typing import Config

SEED_STATE = "seed_state"


class SeededLayer(keras.layers.Layer):
    """A layer that draws numbers, from a generator saved with the model.

    A resumed training then draws what an uninterrupted one would have drawn,
    and each replica of a distributed one draws numbers of its own. Weights that
    a subclass adds are saved beside the generator's state.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = ReplicaSeedGenerator(seed)

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        store[SEED_STATE] = self.seed_generator.state

    def load_own_variables(self, store: Any) -> None:
        # Keras refuses entries that are no weights.
        own = entries_of(store)
        state = own.pop(SEED_STATE)
        super().load_own_variables(own)
        self.seed_generator.state.assign(state)

    def get_config(self) -> Config:
        return {**super().get_config(), "seed": self.seed}
