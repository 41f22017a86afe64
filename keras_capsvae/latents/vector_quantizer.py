from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.codebooks import AveragedCodebook
from keras_capsvae.latents.codebooks import Codebook
from keras_capsvae.latents.codebooks import ProjectedCodebook
from keras_capsvae.latents.codebooks import TrainedCodebook
from keras_capsvae.latents.codes import CodeLatent
from keras_capsvae.numerics import sum_over_dims
from keras_capsvae.private_keras import one_replica_a_row
from keras_capsvae.quantization import along_the_error
from keras_capsvae.quantization import k_means
from keras_capsvae.quantization import nearest
from keras_capsvae.quantization import rotated
from keras_capsvae.quantization import straight_through
from keras_capsvae.typing import Config
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arguments import check_choice
from keras_capsvae.validation.numbers import check_integer
from keras_capsvae.validation.numbers import check_number
from keras_capsvae.validation.numbers import check_share

GRADIENTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "straight_through": straight_through,
    "rotation": rotated,
    "diveq": along_the_error,
}
CODEBOOKS = ("ema", "loss", "simvq")


@keras.saving.register_keras_serializable(package="keras_capsvae")
class VectorQuantizer(CodeLatent):
    """Codes with a vector each, of which every token takes the nearest.

    `q = e_k`, `k = argmin ‖z − e_k‖`. The penalty of an example is `β ‖z −
    sg(q)‖²`, over all tokens, and with a trained codebook `‖sg(z) − q‖²`; under
    DiVeQ nothing. In the first training step the codes become the centres of
    k-means over the batch, and in every step codes out of use become inputs of
    the batch. Codes learn while training alone, and not where the layer is
    frozen.

    Args:
        num_codes: Codes K, at least 2.
        dim: Dims of a vector: of what the encoder gives for each token.
        codebook: How codes learn: `"ema"`, as moving averages of their inputs;
            `"loss"`, by the gradient; `"simvq"`, random codes times a trained
            matrix. Defaults to `None`: `"ema"`, or `"loss"` under DiVeQ.
        gradient: How it passes the choice of a code: `"straight_through"`;
            `"rotation"`, turned as q is against z; `"diveq"`, along q − z, to
            the codes too. Defaults to `"straight_through"`.
        commitment: β. Defaults to 0.25.
        decay: γ of the moving averages, also of how often a code is used.
            Defaults to 0.99.
        k_means_start: Whether the first batch starts the codes. Defaults to
            `True`; SimVQ has no such start.
        reset_below: Share of an even use below which a code is reset to an
            input of the batch; 0: never. Defaults to 0.05; SimVQ resets none.
        seed: Integer seed of the inputs that codes are reset to. Defaults to
            `None`: a random one.

    Inputs: `(batch, ..., dim)`, such as `(batch, height, width, dim)`.

    Output: `(z, divergence, penalty)`: z like the input, in the compute dtype;
        the divergence, `ln K` for each token, and the penalty, `(batch,)` each.

    Raises:
        ValueError: If `num_codes` is below 2, another number is out of range, a
            name unknown, DiVeQ is to train averaged codes, or the encoder gives
            another number of dims.
        TypeError: If a size is no integer.

    Example:

    >>> latent = VectorQuantizer(8, 2, seed=0)
    >>> z, divergence, penalty = latent(np.ones((1, 3, 2)))
    >>> z.shape, float(divergence[0])
    (TensorShape([1, 3, 2]), 6.2383246421813965)

    Source: kexue.fm 6760; van den Oord et al., "Neural Discrete Representation
    Learning", 2017, with appendix A.1; and those of its options.
    """

    def __init__(
        self,
        num_codes: int,
        dim: int,
        *,
        codebook: str | None = None,
        gradient: str = "straight_through",
        commitment: float = 0.25,
        decay: float = 0.99,
        k_means_start: bool = True,
        reset_below: float = 0.05,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.num_codes = check_integer("num_codes", num_codes, 2)
        self.dim = check_integer("dim", dim)
        check_choice("gradient", gradient, tuple(GRADIENTS))
        if codebook is None:
            codebook = "loss" if gradient == "diveq" else "ema"
        check_choice("codebook", codebook, CODEBOOKS)
        if (gradient, codebook) == ("diveq", "ema"):
            raise ValueError(
                "`codebook` must be 'loss' or 'simvq' under DiVeQ, whose "
                "gradient trains the codes. Received: codebook='ema'"
            )
        self.codebook_name, self.gradient = codebook, gradient
        self.commitment = check_number("commitment", commitment)
        self.decay = check_share("decay", decay)
        self.k_means_start = bool(k_means_start)
        self.reset_below = check_share("reset_below", reset_below)
        self.codebook = self._codebook()
        if self.codebook.is_moved:
            self.started = self.add_weight(
                name="started",
                shape=(),
                initializer="zeros" if k_means_start else "ones",
                trainable=False,
                dtype="float32",
                autocast=False,
                aggregation="mean",
            )

    def _codebook(self) -> Codebook:
        options = {"name": "codebook", "dtype": self.dtype_of_terms}
        if self.codebook_name == "simvq":
            return ProjectedCodebook(self.num_codes, self.dim, **options)
        of_name = {"ema": AveragedCodebook, "loss": TrainedCodebook}
        return of_name[self.codebook_name](
            self.num_codes, self.dim, self.decay, **options
        )

    def build(self, parameters_shape: Any) -> None:
        super().build(parameters_shape)
        if self.latent_shape[-1] != self.dim:
            raise ValueError(
                f"The encoder must give vectors of {self.dim} dims, as the "
                "codes have. Received: outputs of shape "
                f"{(None, *self.latent_shape)}"
            )
        if not self.codebook.built:
            self.codebook.build()

    def coded(
        self, z: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        vectors, codes, penalty = self.chosen(z, training)
        return GRADIENTS[self.gradient](z, vectors), codes, penalty

    def chosen(
        self, z: Tensor, training: bool | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `coded`, the vectors without a gradient to z."""
        flat = ops.reshape(z, (-1, self.dim))  # (tokens, dim)
        learns = training and self.trainable and self.codebook.is_moved
        vectors = self.codebook.vectors()
        if learns:
            inputs = ops.stop_gradient(flat)
            others = self._inputs_for_codes(inputs)
            vectors = self._started(vectors, inputs, others)
        codes = nearest(*map(ops.stop_gradient, (flat, vectors)))
        chosen = ops.reshape(ops.take(vectors, codes, axis=0), ops.shape(z))
        if learns:
            self._learn(ops.stop_gradient(vectors), inputs, codes, others)
        codes = ops.reshape(codes, ops.shape(z)[:-1])
        return chosen, codes, self._penalty(z, chosen)

    def _penalty(self, z, quantized):
        if self.gradient == "diveq":
            return ops.zeros_like(ops.reshape(z, (ops.shape(z)[0], -1))[:, 0])
        error = ops.square(z - ops.stop_gradient(quantized))
        penalty = self.commitment * sum_over_dims(error)
        if self.codebook.is_trained:
            error = ops.square(ops.stop_gradient(z) - quantized)
            penalty += sum_over_dims(error)
        return penalty

    def _inputs_for_codes(self, inputs):
        """A random input for each code, none twice where there are enough."""
        count = ops.cast(ops.shape(inputs)[0], "float32")
        places = ops.arange(self.num_codes, dtype="float32")
        places += keras.random.uniform(
            (self.num_codes,), dtype="float32", seed=self.seed_generator
        )
        rows = ops.cast(ops.floor(places * (count / self.num_codes)), "int32")
        rows = ops.minimum(rows, ops.shape(inputs)[0] - 1)
        return one_replica_a_row(ops.take(inputs, rows, axis=0))

    def _started(self, vectors, inputs, others):
        """The vectors, in the first step those that k-means finds."""
        if not self.k_means_start:
            return vectors
        constant = ops.stop_gradient(vectors)
        start = ops.cond(
            self.started > 0.5,
            lambda: constant,
            lambda: k_means(inputs, others),
        )
        return vectors + (one_replica_a_row(start) - constant)

    def _learn(self, vectors, inputs, codes, others):
        if self.k_means_start:
            is_new = ops.broadcast_to(self.started < 0.5, (self.num_codes,))
            self.codebook.move(self.codebook.vectors(), vectors, is_new)
            self.started.assign(1.0)
        counts = self.codebook.learn(vectors, inputs, codes)
        if self.reset_below:
            is_dead = counts < self.reset_below * ops.mean(counts)
            self.codebook.move(self.codebook.vectors(), others, is_dead)

    def nearest_codes(self, vectors: Tensor) -> Tensor:
        vectors = ops.convert_to_tensor(vectors)
        flat = ops.reshape(vectors, (-1, self.dim))
        codes = nearest(flat, self.codebook.vectors())
        return ops.reshape(codes, ops.shape(vectors)[:-1])

    def embedded(self, z: Tensor) -> Tensor:
        return ops.take(self.codebook.vectors(), z, axis=0)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_codes": self.num_codes,
            "dim": self.dim,
            "codebook": self.codebook_name,
            "gradient": self.gradient,
            "commitment": self.commitment,
            "decay": self.decay,
            "k_means_start": self.k_means_start,
            "reset_below": self.reset_below,
        }
