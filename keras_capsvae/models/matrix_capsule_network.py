import keras

from keras_capsvae.losses import SpreadLoss
from keras_capsvae.models.classifier import Classifier
from keras_capsvae.models.serving import write_saved_model


@keras.saving.register_keras_serializable(package="keras_capsvae")
class MatrixCapsuleNetwork(Classifier):
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

    @property
    def capsule_encoder(self):
        """x → poses of the class capsules, a model on the same layers."""
        poses, _ = self.get_layer("class_capsules").output
        return keras.Model(self.inputs, poses, name="capsule_encoder")

    def capsules(self, x, batch_size=None):
        """The poses of the class capsules of x.

        Args:
            x: Images shaped for the model.
            batch_size: Images at a time. Defaults to Keras' 32.

        Returns:
            NumPy array `(batch, classes, p, p)`.

        Raises:
            ValueError: If x does not fit the model.
        """
        self.check_input(x, self.inputs[0], "x")
        return self.capsule_encoder.predict(x, batch_size, verbose=0)

    def export(
        self, filepath, format="tf_saved_model", verbose=False, **kwargs
    ):
        """Write the model for serving; see `keras.Model.export`.

        A SavedModel (the default format) has the endpoints `serve` (x →
        scores) and `capsules` (x → poses), for any batch size.
        """
        if format != "tf_saved_model" or kwargs:
            return super().export(filepath, format, verbose, **kwargs)
        endpoints = {"serve": self, "capsules": self.capsule_encoder}
        write_saved_model(self, endpoints, filepath, verbose)
