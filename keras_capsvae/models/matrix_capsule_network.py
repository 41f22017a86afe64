import functools

import keras

from keras_capsvae.losses import SpreadLoss
from keras_capsvae.models.capsule_classifier import CapsuleClassifier


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MatrixCapsuleNetwork(CapsuleClassifier):
    """A classifier whose scores are the activations of its class capsules.

    A functional model with one output: the activations of a layer named
    `class_capsules`, such as `ClassMatrixCapsuleEM` or `MatrixCapsuleEM`.

    Raises:
        ValueError: By `fit` and `evaluate` if the data do not fit the model.

    Example:

    ```python
    image = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(64, 5, strides=2, activation="relu")(image)
    x = PrimaryMatrixCapsules(8)(x)
    _, scores = ClassMatrixCapsuleEM(10, name="class_capsules")(x)
    model = MatrixCapsuleNetwork(image, scores)
    model.compile("adam", loss=SpreadLoss(), metrics=[LabelAccuracy()])
    model.fit(images, labels, epochs=10, callbacks=[SpreadMargin(5000)])
    ```

    Source: kexue.fm 5155; Hinton, Sabour and Frosst, 2018.
    """

    # Keras revives a functional subclass only if these are its parameters.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    @property
    def metrics_variables(self):
        # JAX hands a compiled step these; others it would take for constants.
        variables = super().metrics_variables
        if self.compiled and isinstance(self.loss, SpreadLoss):
            return [*variables, self.loss.margin]
        return variables

    @functools.cached_property
    def capsule_encoder(self):
        """x → poses of the class capsules, a model on the same layers."""
        poses, _ = self.get_layer("class_capsules").output
        return keras.Model(self.inputs, poses, name="capsule_encoder")
