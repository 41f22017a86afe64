from keras_capsvae.models.classifier import Classifier


class CapsuleClassifier(Classifier):
    """A classifier with class capsules that can be looked at.

    A subclass has a property `capsule_encoder`, x → class capsules.
    """

    # Keras revives a functional subclass only if these are its parameters.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def capsules(self, x, batch_size=None):
        """The class capsules of x.

        Args:
            x: Images shaped for the model.
            batch_size: Images at a time. Defaults to Keras' 32.

        Returns:
            NumPy array `(batch, classes, d)`, of matrix capsules the poses
            `(batch, classes, p, p)`.

        Raises:
            ValueError: If x does not fit the model.
        """
        self.check_input(x, self.inputs[0], "x")
        return self.capsule_encoder.predict(x, batch_size, verbose=0)

    def serving_endpoints(self):
        """`serve`, x → scores, and `capsules`, x → class capsules."""
        return {"serve": self, "capsules": self.capsule_encoder}
