import functools

import keras

from keras_capsvae.inputs import check_array
from keras_capsvae.inputs import check_classes
from keras_capsvae.labels import is_integer_classes
from keras_capsvae.models.checked_model import CheckedModel


@keras.saving.register_keras_serializable(package="keras_capsvae")
class Classifier(CheckedModel):
    """A functional model of class scores that checks its labels.

    `fit` and `evaluate` refuse labels that are out of range, NaN or of another
    shape than integers `(batch,)` or one-hot or multi-hot `(batch, classes)`,
    images outside [0, 1], and ids for which an embedding has no row.
    """

    input_range = (0.0, 1.0)

    # Keras revives a functional subclass only if these are its parameters.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._label_shape = None

    @property
    def num_classes(self):
        return self.outputs[0].shape[-1]

    def check_input(self, array, tensor, name):
        count = self._count_of_ids(tensor)
        if count is not None:
            check_classes(array, tensor.shape[1:], count, name)
            return
        check_array(array, tensor.shape[1:], name, self.input_range)
        if None in tensor.shape[1:]:
            self._check_size(array.shape, name)

    def _count_of_ids(self, tensor):
        """Rows of the embedding that takes an input, `None` without one."""
        for layer in self.layers:
            is_embedding = isinstance(layer, keras.layers.Embedding)
            if is_embedding and layer.input is tensor:
                return layer.input_dim
        return None

    def _check_size(self, shape, name):
        try:
            self.compute_output_shape((1, *shape[1:]))
        except ValueError as error:
            raise ValueError(
                f"`{name}` holds images too small for the convolutions of "
                f"model {self.name!r}. Received: shape {tuple(shape)}"
            ) from error

    def check_batch(self, x, y=None, sample_weight=None, name="x"):
        if y is None:
            raise ValueError(
                "A classifier trains on labels, fit(x, y). Received: "
                f"`{name}` without labels"
            )
        super().check_batch(x, y, sample_weight, name)

    def check_targets(self, targets, name):
        if is_integer_classes(targets, self.num_classes):
            shape = tuple(targets.shape)[1:]
            check_classes(targets, shape, self.num_classes, name)
        else:
            check_array(targets, (self.num_classes,), name, (0.0, 1.0))
        self._compile_for(tuple(targets.shape)[1:])

    @functools.wraps(keras.Model.export)
    def export(self, *args, **kwargs):
        self(self.inputs[0])  # Keras refuses a model that was never called.
        return super().export(*args, **kwargs)

    def _compile_for(self, label_shape):
        """Trace anew for labels of another form than those before.

        TensorFlow would go on with a graph for labels of any rank.
        """
        if self._label_shape not in (None, label_shape):
            self.train_function = self.test_function = None
        self._label_shape = label_shape
