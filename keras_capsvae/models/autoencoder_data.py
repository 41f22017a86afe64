from typing import Any

from keras_capsvae.losses import CategoricalReconstruction
from keras_capsvae.models.own_loss import OwnLossModel
from keras_capsvae.validation.arrays import check_array
from keras_capsvae.validation.labels import check_classes
from keras_capsvae.validation.labels import check_one_hot


class AutoencoderData(OwnLossModel):
    """What data an autoencoder takes: x, its conditions, and targets.

    The range of a target is what the loss can score. That of x counts where it
    is the target too and a subclass sets `input_range`.
    """

    def check_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, name: str = "x"
    ) -> None:
        super().check_batch(x, y, sample_weight, name)
        first = self._inputs_in_order(x, name)[0]
        if y is None:
            self.check_targets(first, name)
        if self.input_range and (y is None or y is first):
            self._check_input_range(first, name)

    def check_input(self, array: Any, tensor: Any, name: str) -> None:
        if tensor is self.inputs[0]:
            check_array(array, tensor.shape[1:], name)
        else:
            self._check_condition(array, tensor, name)

    def check_targets(self, targets: Any, name: str) -> None:
        expected = tuple(self.outputs[0].shape[1:])
        if self._has_classes and len(targets.shape) == len(expected):
            *positions, num_classes = expected
            check_classes(targets, positions, num_classes, name)
        else:
            check_array(targets, expected, name, self._range_of_targets)

    def _check_condition(self, array, tensor, name):
        of_prior = self.conditions.for_prior(self.inputs[1:])
        is_label = tensor is of_prior and self.latent.num_classes is not None
        if is_label:
            check_one_hot(array, tensor.shape[-1], name)
        else:
            check_array(array, tensor.shape[1:], name)

    @property
    def _has_classes(self):
        """Whether outputs are classes of what comes in as integers."""
        return isinstance(self.loss, CategoricalReconstruction)

    @property
    def _range_of_targets(self):
        return getattr(self.loss, "target_range", None)

    def _check_input_range(self, x, name):
        """Where x is the target too, and not every number can be scored."""
        if self._range_of_targets not in (None, self.input_range):
            check_array(x, self.inputs[0].shape[1:], name, self.input_range)
