import math
from typing import Any

import keras
from keras import ops

from keras_capsvae.activations import capsule_activation
from keras_capsvae.activations import serialized_activation
from keras_capsvae.layers.votes import vote_blocks
from keras_capsvae.routing.algorithm import RoutingSettings
from keras_capsvae.routing.algorithm import Votes
from keras_capsvae.routing.algorithm import VoteShape
from keras_capsvae.routing.named import routing_of
from keras_capsvae.typing import Config
from keras_capsvae.typing import Identifier
from keras_capsvae.typing import Shape
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.capsules import check_capsule_shape
from keras_capsvae.validation.memory import check_fits_memory
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_positive


@keras.saving.register_keras_serializable(package="keras_capsvae")
class CapsuleLayer(keras.layers.Layer):
    """Capsules that are clusters of the votes of the capsules below.

    Input capsule u_i votes `û_ij = u_i W_j` (shared weights) or `u_i W_ij` for
    output capsule j; the routing makes the output capsules of the votes (see
    `keras_capsvae.routing` for all of them). The length of a capsule says how
    sure the layer is of it. With shared weights the layer takes any number of
    input capsules, for instance the positions of a feature map of any size.
    Gradients flow through the routing, which runs in float32 whatever the dtype
    policy is.

    Args:
        num_capsules: Output capsules.
        dim_capsules: Dims of an output capsule.
        routings: Routing iterations, at least 1. Defaults to `None`: the
            routing's own number, 3, of `"inverted_attention"` 2;
            `"self_attention"` and `"self_routing"` have none and take no other.
        share_weights: Whether all input capsules share one vote transform per
            output capsule. Defaults to `True`.
        routing: `"kmeans"`, `"agreement"`, `"dynamic"`, `"hard_kmeans"`,
            `"self_attention"`, `"inverted_attention"` or `"self_routing"`.
            Through the assignment of `"hard_kmeans"` no gradient flows, through
            its weighted sums it does. Defaults to `"kmeans"`.
        activation: `"squash"`, `"tanh_squash"`, `"exponential_squash"`,
            `"rational_squash"`, an activation of Keras, or a function.
            `"agreement"` and `"dynamic"` apply it in every iteration, the
            K-Means and `"self_attention"` once at the end;
            `"inverted_attention"` and `"self_routing"` say themselves how long
            capsules are and take no other. Defaults to `"squash"`.
        squash_constant: Constant c of `squash`. Defaults to 0.5; Sabour's is 1.
        use_bias: Whether to add a bias to the votes. Defaults to `False`.
        stop_gradient: Whether the gradient goes through the last iteration
            alone, of a routing that iterates. Defaults to `False`.
        rematerialize: Whether to compute the votes and the routing again in the
            backward pass instead of keeping them, for memory. Defaults to
            `False`.
        kernel_initializer: Defaults to `"lecun_uniform"`: votes have the
            variance of the inputs. Drawn as a matrix with `d_in` rows, so that
            its fan-in is that of the vote transform.
        bias_initializer: Defaults to `"zeros"`.
        kernel_regularizer, bias_regularizer, kernel_constraint,
            bias_constraint: As in `keras.layers.Dense`. Default to `None`.
            The coupling kernel of `"self_routing"` is drawn, regularised and
            constrained as the kernel is.
        temperature: What the logits of the couplings are divided by, above 0:
            the lower, the harder; `"hard_kmeans"` takes no other than 1.
            Defaults to 1.

    Inputs: `(batch, n_in, d_in)`; a Keras mask `(batch, n_in)` is honoured.
        `layer(inputs, return_couplings=True)` also returns the couplings of the
        last iteration, `(batch, n_in, num_capsules)`, in float32.

    Output: `(batch, num_capsules, dim_capsules)` in the compute dtype.

    Weights: `kernel`, `(d_in, num_capsules, dim_capsules)` if shared, else
        `(n_in, d_in, num_capsules, dim_capsules)`; `bias`, the same without
        `d_in`; those of the routing: `coupling_bias` of `"self_attention"`, the
        shape of the couplings or `(num_capsules,)`; `coupling_kernel` and
        `coupling_bias` of `"self_routing"`; `gain` and `offset` of the
        normalisation, `score_kernel` and `score_bias` of
        `"inverted_attention"`.

    Raises:
        ValueError: If a size is below 1, the routing or activation is unknown,
            the routing does not take what is given, the input is not of rank 3,
            the mask has another length, or n_in is unknown, changes or needs
            more weights than fit into memory though they are not shared.
        TypeError: If a size is no integer.

    Example:

    >>> layer = CapsuleLayer(10, 16)
    >>> layer(np.ones((2, 64, 128))).shape
    (2, 10, 16)

    Source: kexue.fm 4819 and 5112; Sabour, Frosst and Hinton, 2017; for the
    other routings see their functions.
    """

    def __init__(
        self,
        num_capsules: int,
        dim_capsules: int,
        routings: int | None = None,
        share_weights: bool = True,
        routing: str = "kmeans",
        activation: Identifier = "squash",
        squash_constant: float = 0.5,
        use_bias: bool = False,
        stop_gradient: bool = False,
        rematerialize: bool = False,
        kernel_initializer: Identifier = "lecun_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier = None,
        bias_regularizer: Identifier = None,
        kernel_constraint: Identifier = None,
        bias_constraint: Identifier = None,
        temperature: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._algorithm = routing_of(routing)
        self.num_capsules = check_integer("num_capsules", num_capsules)
        self.dim_capsules = check_integer("dim_capsules", dim_capsules)
        self.routings = self._algorithm.check_iterations(routing, routings)
        self.share_weights = share_weights
        self.routing = routing
        self.activation = activation
        self.squash_constant = squash_constant
        self.use_bias = use_bias
        self.stop_gradient = stop_gradient
        self.temperature = check_positive("temperature", temperature)
        self._algorithm.check_taken(
            routing, activation, self.temperature, stop_gradient
        )
        self.rematerialize = rematerialize
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.supports_masking = True
        self._activate = capsule_activation(activation, squash_constant)

    def build(self, input_shape: Shape) -> None:
        check_capsule_shape(self, input_shape)
        _, n_in, d_in = input_shape
        axes = {-1: d_in}
        capsules = (self.num_capsules, self.dim_capsules)
        if not self.share_weights:
            if n_in is None:
                raise ValueError(
                    "share_weights=False takes a fixed number of input "
                    "capsules, each with weights of its own. Received: input "
                    f"shape {tuple(input_shape)}"
                )
            axes[1] = n_in
        per_input = () if self.share_weights else (n_in,)
        shape = (*per_input, d_in, *capsules)
        check_fits_memory(
            shape,
            self.variable_dtype,
            f"Layer {self.name} with share_weights=False must have fewer input "
            "capsules (larger strides below it), or share its weights",
        )
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=self._initial_matrix,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(*per_input, *capsules),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.routing_weights = [
            self.add_weight(
                name=weight.name,
                shape=weight.shape,
                autocast=False,
                **self._matrix_options(weight.initializer),
            )
            for weight in self._algorithm.weights(
                VoteShape(per_input, d_in, *capsules)
            )
        ]
        self.input_spec = keras.layers.InputSpec(ndim=3, axes=axes)

    def _matrix_options(self, initializer=None):
        """How a weight is made: as a kernel, unless it starts otherwise."""
        if initializer is not None:
            return {"initializer": initializer}
        return {
            "initializer": self._initial_matrix,
            "regularizer": self.kernel_regularizer,
            "constraint": self.kernel_constraint,
        }

    def _initial_matrix(self, shape, dtype=None):
        # Keras takes the leading axes of a 4-D kernel for a receptive field.
        count = 1 if self.share_weights else shape[0]
        d_in, *outputs = shape[0 if self.share_weights else 1 :]
        matrix = self.kernel_initializer(
            (d_in, count * math.prod(outputs)), dtype
        )
        kernel = ops.reshape(matrix, (d_in, count, *outputs))
        return ops.reshape(ops.swapaxes(kernel, 0, 1), shape)

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        return_couplings: bool = False,
    ) -> Any:
        compute = self._capsules_and_couplings
        if self.rematerialize:
            compute = keras.remat(compute)
        # JAX rematerialises functions of tensors, not of variables.
        arguments = [inputs, *map(ops.convert_to_tensor, self._weights_used)]
        if mask is not None:
            arguments.append(ops.cast(mask, "float32"))
        capsules, couplings = compute(*arguments)
        capsules = ops.cast(capsules, self.compute_dtype)
        if return_couplings:
            return capsules, ops.swapaxes(couplings, 1, 2)
        return capsules

    @property
    def _weights_used(self):
        of_votes = [self.kernel, self.bias] if self.use_bias else [self.kernel]
        return [*of_votes, *self.routing_weights]

    def _capsules_and_couplings(self, inputs, kernel, *others):
        bias, *others = others if self.use_bias else (None, *others)
        count = len(self.routing_weights)
        weights, mask = others[:count], (*others[count:], None)[0]
        settings = RoutingSettings(
            self.routings or 1,
            self._activate,
            self.temperature,
            self.stop_gradient,
        )
        votes = Votes(vote_blocks(inputs, kernel, bias), mask, inputs)
        return self._algorithm.route(votes, settings, weights)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_capsules, self.dim_capsules)

    def compute_output_spec(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        return_couplings: bool = False,
    ) -> Any:
        check_capsule_shape(self, inputs.shape)
        capsules = keras.KerasTensor(
            self.compute_output_shape(inputs.shape), self.compute_dtype
        )
        if not return_couplings:
            return capsules
        shape = (*inputs.shape[:2], self.num_capsules)
        return capsules, keras.KerasTensor(shape, "float32")

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_capsules": self.num_capsules,
            "dim_capsules": self.dim_capsules,
            "routings": self.routings,
            "share_weights": self.share_weights,
            "routing": self.routing,
            "activation": serialized_activation(self.activation),
            "squash_constant": self.squash_constant,
            "use_bias": self.use_bias,
            "stop_gradient": self.stop_gradient,
            "rematerialize": self.rematerialize,
            "temperature": self.temperature,
            **{
                key: getattr(keras, f"{kind}s").serialize(getattr(self, key))
                for kind in ("initializer", "regularizer", "constraint")
                for key in (f"kernel_{kind}", f"bias_{kind}")
            },
        }
