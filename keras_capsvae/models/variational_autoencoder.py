import functools
import inspect
from typing import Any

import keras
from keras import ops

from keras_capsvae.latents.base import Latent
from keras_capsvae.losses.named import reconstruction_of
from keras_capsvae.models.added_callbacks import with_callbacks
from keras_capsvae.models.conditions import Conditions
from keras_capsvae.models.conditions import called
from keras_capsvae.models.conditions import input_like
from keras_capsvae.models.forward_pass import ForwardPass
from keras_capsvae.models.last_epoch import ScheduledOfLastEpoch
from keras_capsvae.models.own_loss import mean_over_examples
from keras_capsvae.models.own_loss import weighted
from keras_capsvae.models.parts import check_decoder
from keras_capsvae.models.parts import check_encoder
from keras_capsvae.models.parts import check_functional
from keras_capsvae.models.parts import distinct
from keras_capsvae.models.parts import latent_of
from keras_capsvae.models.prior_model import PriorModel
from keras_capsvae.models.reconstruction import Reconstruction
from keras_capsvae.models.structures import first_of
from keras_capsvae.private_keras import PerExampleMeans
from keras_capsvae.private_keras import hold_layer
from keras_capsvae.typing import Tensor
from keras_capsvae.validation.arrays import check_array

EARLY_WEIGHT = "kl_weight_to_come"


@keras.saving.register_keras_serializable(package="keras_capsvae")
class VariationalAutoencoder(PriorModel):
    """A variational autoencoder from one's own encoder, latent and decoder.

    Trains on the mean over the examples of `reconstruction + penalty`, the
    penalty of Gaussian latents being β · divergence, and reports
    `reconstruction_loss`, `kl_loss` (the divergence) and their sum
    `negative_elbo`, in nats, and the terms of a regulariser of the latent. The
    input is the target: `fit(x)`; `fit(x, x)` is the same, and `fit(noisy,
    clean)` removes noise.

    The reconstruction loss is the compiled loss: `BernoulliReconstruction`,
    `CategoricalReconstruction`, `GaussianReconstruction`, or any Keras loss,
    which then keeps its own mean over the dims. Though the decoder gives
    probabilities, the first two are computed from logits where its graph shows
    them: where it ends in a sigmoid or softmax of a dense layer, a convolution
    or an `Activation`, shapes aside.

    Inputs of the encoder after x and of the decoder after z are conditions:
    those with one `keras.Input` name are one, others go by position.
    `fit([x, c])` trains on them.

    Args:
        encoder: Functional or Sequential model, x (and conditions) → the
            parameters of the posterior: of Gaussian latents `[z_mean,
            z_log_var]`, `(batch, latent_dim)` each.
        decoder: Functional or Sequential model, latents (and conditions) → the
            shape of x, or that and an axis of classes; further outputs are for
            a loss that takes them, such as a log-variance.
        latent: A `Latent`, such as `GaussianLatent(prior=ClassMeans(10))`.
            Defaults to `None`: Gaussian with the prior N(0, 1).
        kl_weight, estimator, free_bits, seed: Of the default latent; see
            `GaussianLatent`.
        input_range: `(low, high)` outside of which x is refused, unless the
            loss scores any number. Defaults to `None`: any finite x.
        name: Name of the model.

    Attributes:
        encoder, latent, decoder: The parts.
        kl_weight: The variable β, which is `latent.beta`; it may be set to a
            number, also while the model trains.

    Raises:
        ValueError: If the parts do not fit each other, or arguments of the
            default latent come with another one; by `fit` and `evaluate` if
            the data do not fit the model.
        TypeError: If encoder or decoder is no functional model.

    Example:

    ```python
    x = keras.Input((784,))
    h = keras.layers.Dense(256, activation="relu")(x)
    heads = [keras.layers.Dense(2)(h), keras.layers.Dense(2)(h)]
    encoder = keras.Model(x, heads)
    decoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(784, activation="sigmoid")]
    )
    model = VariationalAutoencoder(encoder, decoder)
    model.compile("adam", loss=BernoulliReconstruction())
    model.fit(images, epochs=10)
    digits = model.generate(16, seed=0)
    ```

    Source: kexue.fm 5253, 5343 and 5383; Kingma and Welling, 2013.
    """

    part_names = ("encoder", "latent", "decoder")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        latent: Latent | None = None,
        *,
        kl_weight: float = 1.0,
        estimator: str = "analytic",
        free_bits: float = 0.0,
        input_range: tuple[float, float] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        # The parts and what connects them.
        check_functional(encoder, "encoder")
        check_functional(decoder, "decoder")
        latent = latent_of(latent, kl_weight, estimator, free_bits, seed)
        check_encoder(encoder, latent)
        conditions = Conditions(encoder, decoder, latent)

        # The graph, in the order of the data.
        x = input_like(encoder.inputs[0])
        given = conditions.inputs
        see = distinct(encoder, decoder)
        seen = [x, *conditions.for_encoder(given)]
        parameters = keras.tree.flatten(called(see, seen))
        of_prior = latent.depends_on(see, conditions.for_prior(given), seen)
        z, divergence, penalty, terms = _connected(latent, parameters, of_prior)
        check_decoder(decoder, z, x)
        decoder_inputs = [z, *conditions.for_decoder(given)]
        reconstruction = called(decoder, decoder_inputs)
        inputs = [x, *given] if given else x
        super().__init__(inputs, reconstruction, name=name)

        # What the model keeps.
        self.encoder, self.latent, self.decoder = encoder, latent, decoder
        self.conditions = conditions
        self.input_range = input_range
        if EARLY_WEIGHT in self.__dict__:
            self.kl_weight = self.__dict__.pop(EARLY_WEIGHT)
        self.reconstruction = Reconstruction(decoder)
        self._pass = ForwardPass(
            inputs,
            "decoded",
            **self.reconstruction.outputs(decoder_inputs),
            given=given,
            parameters=parameters,
            divergence=divergence,
            penalty=penalty,
            **({} if of_prior is None else {"of_prior": of_prior}),
            **terms,
        )
        self._means = PerExampleMeans(
            "reconstruction_loss", "kl_loss", "negative_elbo", *terms
        )

    @property
    def kl_weight(self) -> keras.Variable:
        """β, `latent.beta`: set to a number, the divergence weighs that."""
        return self.latent.beta

    @kl_weight.setter
    def kl_weight(self, value: float) -> None:
        if getattr(self, "latent", None) is None:  # before the constructor
            self.__dict__[EARLY_WEIGHT] = value
        else:
            self.latent.beta = value

    def call(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        return self._pass.run(inputs, training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        self.check_loss_given()
        forward = self._pass.take(y_pred)
        terms = self.terms(self._target(x, y), forward, training)
        reconstruction, divergence, objective = (
            weighted(term, sample_weight) for term in terms
        )  # (batch,) each
        self._means.update_state(
            reconstruction_loss=reconstruction,
            kl_loss=divergence,
            negative_elbo=ops.add(reconstruction, divergence),
            **{
                name: weighted(forward[name], sample_weight)
                for name in self.latent.term_names
            },
        )
        return self.with_added_losses(mean_over_examples(objective))

    def terms(
        self, target: Tensor, forward: dict[str, Any], training: bool | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, divergence and what is minimised, `(batch,)` each.

        Args:
            target: What to reconstruct, `(batch, ...)`.
            forward: The tensors of the forward pass: `decoded`, `parameters`,
                `given` (the conditions), `divergence`, `penalty`, and
                `of_prior`, what the prior depends on, if anything.
            training: Whether the decoder runs as in training.
        """
        error = self.reconstruction.error(self.loss, target, forward)
        objective = ops.add(error, forward["penalty"])
        return error, forward["divergence"], objective

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        target = self._target(x, y)
        return super().compute_metrics(
            x, target, first_of(y_pred), sample_weight
        )

    def _target(self, x, y):
        target = self.first_input(x) if y is None else _only(y)
        return ops.convert_to_tensor(target, sparse=False, ragged=False)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile for training; see `keras.Model.compile`.

        Args:
            loss: A `ReconstructionLoss` or its name, `"bernoulli"`,
                `"categorical"`, `"gaussian"`, `"learned_variance"` or
                `"optimal_variance"` (of a Gaussian) or
                `"discretised_logistic"`; a Keras loss or its name, or a
                function of targets and reconstructions.

        Raises:
            ValueError: If the loss is unknown or does not suit what the decoder
                ends in, sums over the batch, or there are `loss_weights`.
        """
        loss = reconstruction_of(loss)
        super().compile(optimizer, loss, loss_weights, metrics, **kwargs)
        if self.loss is not None:
            _check_reduction(self.loss)
            self.reconstruction.check_loss(self.loss)
        of_one_output = len(self.decoder.outputs) == 1
        trained = getattr(self.loss, "trained", None) if of_one_output else None
        if trained is not None and not trained.built:
            trained.build(self.decoder.outputs[0].shape)
        hold_layer(self, "trained_by_loss", trained)

    @functools.wraps(PriorModel.fit)
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        last = ScheduledOfLastEpoch(self.latent.scheduled)
        given = inspect.signature(super().fit).bind(*args, **kwargs)
        with_callbacks(given.arguments, after=[last])
        return super().fit(*given.args, **given.kwargs)

    def adapt(self, x: Any) -> None:
        """Set the bias of the decoder's output to the mean of the data.

        The untrained decoder then gives about the mean image (of a
        convolution, the mean of each channel), where training would first have
        to find it. Call it before `fit`.

        Args:
            x: Array of examples in [0, 1], `(n, ...)`.

        Raises:
            ValueError: If x does not fit the model, or the decoder does not end
                in a layer with a sigmoid and a bias.

        Source: Burda et al., 2015, who clip the mean to [0.001, 0.999].
        """
        x = check_array(x, self.inputs[0].shape[1:], "x", (0.0, 1.0))
        self.reconstruction.adapt(x)


def _connected(latent, parameters, condition):
    """z, divergence, penalty and its terms by name, of symbolic parameters."""
    given = {} if condition is None else {"condition": condition}
    if not latent.term_names:
        return *latent(parameters, **given), {}
    return latent(parameters, **given, with_terms=True)


def _check_reduction(loss):
    if getattr(loss, "reduction", None) == "sum":
        raise ValueError(
            "`reduction` of the loss must be 'sum_over_batch_size': the "
            "negative ELBO is a mean over examples. "
            f"Received: {type(loss).__name__}(reduction='sum')"
        )


def _only(y):
    """The target, alone in a list or not."""
    return y[0] if isinstance(y, (list, tuple)) and len(y) == 1 else y
