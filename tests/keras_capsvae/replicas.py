"""Trains models on several CPU devices and on one; run by `replicas_test`.

`python tests/keras_capsvae/replicas.py DEVICES [MODEL ...]` prints, as JSON,
for each model the largest difference of history and weights after five steps,
relative to their size where that is above 1.
"""
# ruff: noqa: E402 (devices are set before Keras starts TensorFlow)

import json
import sys

import numpy as np
import tensorflow as tf

DEVICES = int(sys.argv[1])
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * DEVICES,
)
import keras
from keras import layers
from keras import ops

import keras_capsvae as kc
import zoo

STRATEGY = tf.distribute.MirroredStrategy(
    [f"CPU:{index}" for index in range(DEVICES)],
    tf.distribute.ReductionToOneDevice(),
)
RANDOM = np.random.default_rng(0)
FLAT = RANDOM.random((8, 6), "float32")
MARKED = np.concatenate([6 + 0 * FLAT[:, :1], FLAT[:, 1:]], axis=1)
IMAGES = RANDOM.random((8, 17, 17, 1), "float32")
TEXTS = ["abcd", "bcda", "cdab", "dabc"] * 2
LABELS = np.arange(8) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
WEIGHTS = np.linspace(0.5, 2, 8, dtype="float32")
FREE_BITS = 39.6  # nats; z_log_var is −80, which alone costs 39.5
MODELS = {}


def model(x, y=None, **data):
    """Register a function that builds a model, and what it trains on."""

    def register(build):
        MODELS[build.__name__] = build, {"x": x, "y": y, **data}
        return build

    return register


def silent(encoder):
    """Without noise, so that one device and several see the same latents."""
    _, z_log_var = encoder.outputs
    layer = z_log_var._keras_history.operation
    layer.kernel.assign(0 * layer.kernel)
    layer.bias.assign(0 * layer.bias - 80)


def encoder(*conditions, **dense):
    x = keras.Input((6,))
    seen = layers.Concatenate()([x, *conditions]) if conditions else x
    h = layers.Dense(5, activation="relu", **dense)(seen)
    heads = [layers.Dense(2)(h), layers.Dense(2)(h)]
    return keras.Model([x, *conditions] if conditions else x, heads)


def decoder(*conditions):
    z = keras.Input((2,))
    seen = layers.Concatenate()([z, *conditions]) if conditions else z
    x = layers.Dense(6, activation="sigmoid")(seen)
    return keras.Model([z, *conditions] if conditions else z, x)


def vae(*arguments, cls=kc.VariationalAutoencoder, **keywords):
    net = cls(encoder(), decoder(), *arguments, **keywords)
    net.compile("sgd", loss=kc.BernoulliReconstruction(), metrics=["mae"])
    return net


@model(FLAT)
def own_vae():
    return vae(kl_weight=0.5)


@model(FLAT)
def free_bits():
    """About the mean divergence of a dim, so that some pay and some do not."""
    net = vae(free_bits=FREE_BITS)
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model(FLAT, FLAT, sample_weight=WEIGHTS)
def weighted_vae():
    return vae()


@model(FLAT)
def regularised_vae():
    net = kc.VariationalAutoencoder(
        encoder(kernel_regularizer="l2", activity_regularizer="l1"), decoder()
    )
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model([FLAT, ONE_HOT])
def conditions_in_both():
    given = [keras.Input((3,), name="label") for _ in range(2)]
    net = kc.VariationalAutoencoder(encoder(given[0]), decoder(given[1]))
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model([FLAT, ONE_HOT])
def class_means():
    return vae(kc.GaussianLatent(prior=kc.ClassMeans(3)))


@model(MARKED, FLAT)
def vamp_prior():
    """Without noise for the data alone: pseudo-inputs have a density."""
    x = keras.Input((6,))
    marked = layers.ReLU(max_value=1.0)(x[:, :1] - 5.0)
    h = layers.Dense(5, activation="relu")(x)
    heads = [layers.Dense(2)(h), layers.Concatenate()([-80.0 * marked] * 2)]
    prior = kc.VampPrior(3, input_range=None)
    net = kc.VariationalAutoencoder(
        keras.Model(x, heads), decoder(), kc.GaussianLatent(prior)
    )
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model(FLAT, FLAT, sample_weight=WEIGHTS)
def learned_variance():
    net = vae()
    loss = kc.GaussianReconstruction("learned", per_channel=True)
    net.compile("sgd", loss=loss)
    return net


def of_codes(latent):
    """Codes that are not started or reset, which each device would do anew."""
    x, z = keras.Input((6,)), keras.Input((3, 2))
    seen = layers.Reshape((3, 2))(layers.Dense(6)(x))
    told = layers.Dense(6, activation="sigmoid")(layers.Flatten()(z))
    net = kc.VariationalAutoencoder(
        keras.Model(x, seen), keras.Model(z, told), latent
    )
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model(FLAT)
def averaged_codes():
    return of_codes(
        kc.VectorQuantizer(4, 2, k_means_start=False, reset_below=0.0)
    )


@model(FLAT)
def trained_codes():
    options = {"k_means_start": False, "reset_below": 0.0, "codebook": "loss"}
    return of_codes(kc.ResidualQuantizer([kc.VectorQuantizer(4, 2, **options)]))


@model(FLAT)
def latents_on_a_circle():
    """Concentrated so much that nothing is drawn beside the direction."""
    x = keras.Input((6,))
    see = keras.Model(x, layers.Dense(2)(x))
    net = kc.VariationalAutoencoder(
        see, decoder(), kc.VonMisesFisherLatent(1e16)
    )
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model(FLAT)
def categories():
    """So sure of them that nothing else is drawn; the divergence weighs all."""
    x, z = keras.Input((6,)), keras.Input((3, 2))
    sure = keras.initializers.Constant(np.tile([8.0, -8.0], 3))
    logits = layers.Dense(6, bias_initializer=sure)(x)
    told = layers.Dense(6, activation="sigmoid")(layers.Flatten()(z))
    net = kc.VariationalAutoencoder(
        keras.Model(x, layers.Reshape((3, 2))(logits)),
        keras.Model(z, told),
        kc.GumbelSoftmaxLatent(kl_weight=1e5),
    )
    net.compile("sgd", loss=kc.BernoulliReconstruction())
    return net


@model(FLAT)
def clusters_of_a_classifier():
    z = keras.Input((2,))
    tell = keras.Model(z, layers.Dense(3)(z))
    return vae(kc.GaussianLatent(kc.ClassifiedMixture(3, classifier=tell)))


@model(FLAT)
def kl_loss_alone():
    net = encoder()
    z = kc.Sampling()(kc.KLLoss(weight=0.1)(net(net.input)))
    net = keras.Model(net.input, decoder()(z))
    net.compile("sgd", loss=lambda x, y: 0 * ops.sum(y, -1))
    return net


@model(FLAT)
def importance_weighted():
    return vae(cls=kc.ImportanceWeightedAutoencoder, num_samples=3)


@model(FLAT)
def dense_vae():
    return zoo.dense_vae(6, 2, 5, seed=0)


@model(IMAGES[:, :16, :16])
def conv_vae():
    return zoo.conv_vae((16, 16, 1), seed=0)


@model([FLAT, ONE_HOT])
def conditional_vae():
    return zoo.conditional_vae(6, 3, 2, 5, seed=0)


@model(FLAT)
def poem_vae():
    return zoo.poem_vae("abcd", 4, 2, 3, seed=0)


@model(IMAGES, LABELS)
def capsule_cnn():
    return zoo.capsule_cnn((17, 17, 1), 3, seed=0)


@model(IMAGES, LABELS)
def pooling_cnn():
    return zoo.pooling_cnn((17, 17, 1), 3, seed=0)


@model(IMAGES, LABELS, sample_weight=WEIGHTS)
def capsnet():
    return zoo.capsnet((17, 17, 1), 3, reconstruction_weight=0.1, seed=0)


@model(FLAT, LABELS)
def small_capsules():
    x = keras.Input((6,))
    capsules = kc.CapsuleLayer(3, 4)(layers.Reshape((3, 2))(x))
    net = kc.CapsuleNetwork(
        keras.Model(x, capsules),
        keras.Sequential([keras.Input((12,)), layers.Dense(6)]),
        reconstruction_weight=0.1,
    )
    net.compile("sgd", loss=kc.MarginLoss(), metrics=[kc.LabelAccuracy()])
    return net


@model(IMAGES, LABELS)
def matrix_capsnet():
    return zoo.matrix_capsnet(
        (17, 17, 1), 3, (4, 2, 2, 2), batch_normalization=False, seed=0
    )


@model(np.tile(np.arange(1, 9, dtype="int32"), (8, 2)), np.arange(8) % 2)
def gated_cnn_classifier():
    return zoo.gated_cnn_classifier(9, hidden_dim=4, num_heads=2, seed=0)


NOISELESS = (
    vamp_prior,
    averaged_codes,
    trained_codes,
    latents_on_a_circle,
    categories,
)


def trained(build, x, y=None, **data):
    """Weights and history after five steps of plain gradient descent."""
    keras.utils.set_random_seed(0)
    net = build()
    if build not in NOISELESS and isinstance(net, kc.VariationalAutoencoder):
        silent(net.encoder)
    if build is poem_vae:
        x = net.encode_text(TEXTS)
    if build is kl_loss_alone:
        silent(net.layers[1])
        y = x
    before = net.get_weights()
    net.compile(
        keras.optimizers.SGD(1e-2),
        loss=net.loss,
        metrics=["mae"] if build in (own_vae, weighted_vae) else None,
        jit_compile=False,
    )
    history = net.fit(
        x, y, batch_size=8, epochs=5, shuffle=False, verbose=0, **data
    ).history
    moved = difference(net.get_weights(), before)
    assert moved > 1e-4, (build.__name__, moved)
    score = net.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    return history | score, net.get_weights()


def difference(ones, others):
    """The largest one; of numbers above 1 relative to them."""
    return max(
        float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)), initial=0))
        for a, b in zip(ones, others, strict=True)
    )


def compared(name):
    build, data = MODELS[name]
    history, weights = trained(build, **data)
    with STRATEGY.scope():
        shared_history, shared_weights = trained(build, **data)
    assert history.keys() == shared_history.keys()
    return {
        "history": difference(
            [np.array(shared_history[key]) for key in history],
            [np.array(history[key]) for key in history],
        ),
        "weights": difference(shared_weights, weights),
    }


def plain_vae():
    """The same loss from the hands of Keras alone."""
    see, tell = encoder(), decoder()
    z_mean, z_log_var = see(see.input)
    outputs = layers.Concatenate()([tell(z_mean), z_mean, z_log_var])

    def loss(x, outputs):
        p, mean, log_var = ops.split(outputs, [6, 8], axis=-1)
        error = -x * ops.log(p) - (1 - x) * ops.log(1 - p)
        terms = 0.5 * (mean**2 + ops.exp(log_var) - log_var - 1)
        return ops.sum(error, -1) + ops.sum(terms, -1)

    net = keras.Model(see.input, outputs)
    silent(see)
    net.compile(keras.optimizers.SGD(1e-2), loss=loss)
    return net


def partial_shares():
    """Ours and plain Keras, whose last batch leaves replicas few or nothing."""
    x = np.concatenate([FLAT, FLAT[:1]])
    weights = []
    for build in (own_vae_of_weight_one, plain_vae):
        keras.utils.set_random_seed(0)
        with STRATEGY.scope():
            net = build()
        losses = net.fit(
            x, x, batch_size=8, epochs=3, shuffle=False, verbose=0
        ).history["loss"]
        assert np.isfinite(losses).all()
        weights.append(net.get_weights())
    ours = [weight for weight in weights[0] if weight.size > 1]
    plain = [weight for weight in weights[1] if weight.size > 1]
    return {"weights": difference(ours, plain)}


def own_vae_of_weight_one():
    net = vae()
    silent(net.encoder)
    net.compile(keras.optimizers.SGD(1e-2), loss=kc.BernoulliReconstruction())
    return net


def own_noise():
    """Each replica's samples differ; the first draws what one device does."""
    inputs = [np.zeros((2, 3), "float32")] * 2
    alone = np.array(kc.Sampling(seed=1)(inputs))
    with STRATEGY.scope():
        layer = kc.Sampling(seed=1)
        layer(inputs)
        layer = kc.Sampling(seed=1)
    drawn = STRATEGY.run(tf.function(lambda: layer(inputs)))
    samples = [
        np.array(one) for one in STRATEGY.experimental_local_results(drawn)
    ]
    pairs = [
        float(np.abs(a - b).min())
        for index, a in enumerate(samples)
        for b in samples[:index]
    ]
    return {"first": difference([samples[0]], [alone]), "least": min(pairs)}


def codes_of_the_first_batch():
    """Every replica holds the same codes, which are inputs of the batch."""
    with STRATEGY.scope():
        latent = kc.VectorQuantizer(4, 2, reset_below=0.9, seed=1)
        latent.build((None, 2))
        x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
        shares = STRATEGY.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                x[context.replica_id_in_sync_group :: DEVICES]
            )
        )
    step = tf.function(lambda x: latent(x, training=True))
    codes = []
    for _ in range(3):
        STRATEGY.run(step, args=(shares,))
        held = STRATEGY.experimental_local_results(latent.codebook.sums.value)
        codes.append([np.array(one) for one in held])
    assert np.isfinite(codes).all()
    return {"apart": max(difference([a], [b[0]]) for b in codes for a in b)}


def main(names):
    found = {name: compared(name) for name in names or MODELS}
    found["partial_shares"] = partial_shares()
    found["own_noise"] = own_noise()
    found["codes_of_the_first_batch"] = codes_of_the_first_batch()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[2:])
