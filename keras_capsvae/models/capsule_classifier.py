from typing import Any

import numpy as np

from keras_capsvae.models import serving
from keras_capsvae.models.classifier import Classifier
from keras_capsvae.models.prediction import joined
from keras_capsvae.models.prediction import predicted
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.validation.streams import inputs_in
from keras_capsvae.validation.streams import is_stream


class CapsuleClassifier(Classifier):
    """A classifier with class capsules that can be looked at.

    A subclass sets `capsule_encoder`, x → class capsules.
    """

    def capsules(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """The class capsules of x.

        Args:
            x: Images shaped for the model, or a stream of batches with an end.
            batch_size: Images at a time. Defaults to Keras' 32.

        Returns:
            NumPy array `(batch, classes, d)`, of matrix capsules the poses
            `(batch, classes, p, p)`.

        Raises:
            ValueError: If x does not fit the model.
        """
        if is_stream(x):
            return joined(self.capsules(part) for part in inputs_in(x))
        x = self.standard_inputs(x, "x")
        arrays = self.check_inputs(x, "x")
        return predicted(self.capsule_encoder, arrays, batch_size)

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """`serve`, x → scores, and `capsules`, x → class capsules."""
        capsules = serving.of_model(self.capsule_encoder, "capsules")
        return super().serving_endpoints() | {"capsules": capsules}
