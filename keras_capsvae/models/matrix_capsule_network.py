from typing import Any

import keras

from keras_capsvae.losses import SpreadLoss
from keras_capsvae.models.capsule_classifier import CapsuleClassifier
from keras_capsvae.models.parts import check_functional


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MatrixCapsuleNetwork(CapsuleClassifier):
    """A classifier whose scores are the activations of its class capsules.

    Args:
        encoder: Functional model, x → `[poses, activations]` of the class
            capsules, `(batch, classes, p, p)` and `(batch, classes)`, as
            `ClassMatrixCapsuleEM` and `MatrixCapsuleEM` give them.
        input_range: `(low, high)` outside of which x is refused. Defaults to
            `None`: any finite x.
        name: Name of the model.

    Attributes:
        encoder: The part.

    Raises:
        ValueError: If the encoder gives anything else; by `fit` and `evaluate`
            if the data do not fit the model.
        TypeError: If it is no functional model.

    Example:

    ```python
    image = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(64, 5, strides=2, activation="relu")(image)
    x = PrimaryMatrixCapsules(8)(x)
    encoder = keras.Model(image, ClassMatrixCapsuleEM(10)(x))
    model = MatrixCapsuleNetwork(encoder)
    model.compile("adam", loss=SpreadLoss(), metrics=[LabelAccuracy()])
    model.fit(images, labels, epochs=10, callbacks=[SpreadMargin(5000)])
    ```

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018.
    """

    part_names = ("encoder",)

    def __init__(
        self,
        encoder: keras.Model,
        *,
        input_range: tuple[float, float] | None = None,
        name: str | None = None,
    ) -> None:
        check_functional(encoder, "encoder")
        shapes = [tuple(output.shape) for output in encoder.outputs]
        if len(shapes) != 2 or shapes[0][:2] != shapes[1]:
            raise ValueError(
                "`encoder` must return [poses, activations], (batch, classes, "
                f"p, p) and (batch, classes). Received: outputs {shapes}"
            )
        poses, scores = encoder.outputs
        super().__init__(
            encoder.input, scores, input_range=input_range, name=name
        )
        self.encoder = encoder
        self.capsule_encoder = keras.Model(encoder.input, poses)

    @property
    def metrics_variables(self) -> list[Any]:
        # JAX hands a compiled step these; others it would take for constants.
        variables = super().metrics_variables
        if self.compiled and isinstance(self.loss, SpreadLoss):
            return [*variables, self.loss.margin]
        return variables
