import functools
from typing import Any

import keras

from keras_capsvae.models import serving
from keras_capsvae.models.checked_model import CheckedModel
from keras_capsvae.models.embedded_ids import count_of_ids
from keras_capsvae.models.outermost_layers import below_last_with_weights
from keras_capsvae.models.outermost_layers import last_with_weights
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.models.structures import alone
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.labels import check_labels
from keras_capsvae.validation.labels import check_single_classes
from keras_capsvae.validation.numbers import check_number
from keras_capsvae.validation.shapes import with_last_axis


@keras.saving.register_keras_serializable(package="keras_capsvae")
class Classifier(CheckedModel):
    """A functional model of class scores that checks its labels.

    `fit` and `evaluate` refuse labels that are out of range, NaN or of another
    shape than integers `(batch,)` or one-hot or multi-hot `(batch, classes)`,
    of a single class 1 where it is present and 0 elsewhere, inputs outside
    `input_range`, and ids for which an embedding has no row.

    Args:
        inputs: Symbolic input of the model.
        outputs: Scores `(batch, classes)` made of it.
        input_range: `(low, high)` that inputs must keep to. Defaults to
            `None`: any finite numbers.
        name: Name of the model.

    Example:

    >>> image = keras.Input((28, 28, 1), name="image")
    >>> x = keras.layers.Flatten()(image)
    >>> scores = keras.layers.Dense(10, "softmax")(x)
    >>> Classifier(image, scores, input_range=(0, 1)).num_classes
    10
    """

    def __init__(
        self,
        inputs: Tensor,
        outputs: Tensor,
        *,
        input_range: tuple[float, float] | None = None,
        name: str | None = None,
    ):
        super().__init__(inputs, outputs, name=name)
        self.input_range = input_range
        # Shapes of labels: of the data last checked, by their name, and of
        # those that the functions of Keras were traced for.
        self._label_shapes, self._traced = {}, {}
        self._evaluated = "x"

    @property
    def num_classes(self) -> int:
        """How many scores the model gives for an example."""
        return self.outputs[0].shape[-1]

    @property
    def class_layers(self) -> list[keras.layers.Layer]:
        """The layers whose weights depend on the number of classes.

        All others fit a model of the same kind with other classes.
        """
        return last_with_weights(self.outputs)

    @property
    def features(self) -> keras.Model:
        """The model below the class layer, x → what that layer takes.

        A plain `keras.Model` that shares its layers with this one, to put
        another head on, as `include_top=False` gives it of
        `keras.applications`.
        """
        taken = below_last_with_weights(self.outputs)
        return keras.Model(
            alone(self.inputs),
            alone(taken),
            name=f"{self.name}_features",
        )

    def check_input(
        self,
        array: Tensor,
        tensor: Tensor,
        name: str,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        value_range = value_range or self.input_range
        super().check_input(array, tensor, name, value_range)
        is_image = count_of_ids(self, tensor) is None
        if is_image and None in tensor.shape[1:]:
            self._check_size(array.shape, name)

    def _check_size(self, shape, name):
        try:
            self.compute_output_shape((1, *shape[1:]))
        except ValueError as error:
            raise ValueError(
                f"`{name}` must hold images that are not too small for the "
                f"convolutions of model {self.name!r}. "
                f"Received: shape {tuple(shape)}"
            ) from error

    def check_batch(
        self,
        x: Tensor,
        y: Tensor = None,
        sample_weight: Tensor = None,
        name: str = "x",
    ) -> None:
        if y is None:
            raise ValueError(
                "`y` must be labels, fit(x, y), for a classifier to train on. "
                f"Received: `{name}` without labels"
            )
        super().check_batch(x, y, sample_weight, name)
        self._label_shapes[name] = tuple(y.shape)[1:]

    def standard_targets(self, y: Any, name: str) -> Any:
        """Labels, integers as `(batch,)` and those of one class `(batch, 1)`.

        TensorFlow else takes one form after the other for labels of any rank.
        """
        y = super().standard_targets(y, name)
        shape = (None, 1) if self.num_classes == 1 else (None,)
        return None if y is None else with_last_axis(y, shape)

    def check_targets(self, targets: Tensor, name: str) -> None:
        check_labels(targets, self.num_classes, name)

    def check_class_weight(
        self, class_weight: dict[int, float], targets: Tensor, name: str
    ) -> None:
        if not isinstance(class_weight, dict):
            raise ValueError(
                "`class_weight` must be a dict of class and weight, "
                f"{{0: 1.0, 1: 2.0}}. Received: {class_weight!r:.60}"
            )
        for label, weight in class_weight.items():
            check_number(f"class_weight[{label}]", weight)
        if targets is not None:
            check_single_classes(targets, self.num_classes, name)

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """`serve`, inputs → scores."""
        return {"serve": serving.of_model(self, "scores")}

    @functools.wraps(CheckedModel.evaluate)
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        is_validation = kwargs.get("_use_cached_eval_dataset", False)
        self._evaluated = "validation_data" if is_validation else "x"
        return super().evaluate(*args, **kwargs)

    # Labels of another form need another graph: from float labels `(batch,)`
    # to one-hot ones TensorFlow would make one for labels of any rank.

    def make_train_function(self, force: bool = False) -> None:
        super().make_train_function(force or self._is_new("train", "x"))

    def make_test_function(self, force: bool = False) -> None:
        is_new = self._is_new("test", self._evaluated)
        super().make_test_function(force or is_new)

    def _is_new(self, function, name):
        """Whether labels have another form than those it was traced for."""
        shape = self._label_shapes.get(name)
        before, self._traced[function] = self._traced.get(function), shape
        return None not in (before, shape) and before != shape
