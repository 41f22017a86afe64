"""What the loss needs of the forward pass, kept with that pass."""

import threading
from typing import Any

import keras


class ForwardPass:
    """Runs the graph behind a model and keeps its tensors for the loss.

    The record belongs to the thread, as replicas are threads, and to the
    tensor that the model returned: a loss asked for another one raises.

    Args:
        inputs: Symbolic inputs of the model.
        returned: Key of what the model returns.
        outputs: Symbolic tensors by name, or lists of them.
    """

    def __init__(self, inputs: Any, returned: str, **outputs: Any) -> None:
        self.graph = keras.Model(inputs, outputs)
        self.returned = returned
        self._records = threading.local()

    def run(self, inputs: Any, training: bool | None = None) -> Any:
        """The model's output of these inputs, and a record of the pass."""
        record = self.graph(inputs, training=training)
        self._records.last = record
        return record[self.returned]

    def take(self, y_pred: Any) -> dict[str, Any]:
        """The record of the pass that returned `y_pred`; it is then gone."""
        record = getattr(self._records, "last", None)
        self._records.last = None
        if record is None or not _is_same(record[self.returned], y_pred):
            raise RuntimeError(
                "`y_pred` must be what the model returned in the forward pass "
                "before, in this thread. Received: another tensor. Call the "
                "model, then `compute_loss`, once each; a `call` of a class "
                "of your own returns what `super().call(...)` returned"
            )
        return record


def _is_same(one, other):
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other))
    return all(a is b for a, b in pairs)
