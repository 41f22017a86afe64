import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import MatrixCapsuleNetwork
from keras_capsvae import SpreadLoss
from keras_capsvae import SpreadMargin
from keras_capsvae.callbacks.steps import StepCallback
from tests.helpers import gradient
from tests.helpers import numpy_of
from tests.oracles import central_differences
from zoo.pretrained import manifest

LABELS = np.array([2, 0, 1, 2])


def scores(seed=0):
    return np.random.default_rng(seed).random((4, 3))


def spread(labels, scores, margin):
    """mean over the batch of Σ_{i≠t} max(0, m − (a_t − a_i))²."""
    total = 0.0
    for label, row in zip(labels, scores):
        for i, score in enumerate(row):
            if i != label:
                total += max(0.0, margin - (row[label] - score)) ** 2
    return total / len(labels)


@pytest.mark.parametrize("margin", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("form", ["integer", "column", "one-hot"])
def test_value(form, margin):
    labels = {
        "integer": LABELS,
        "column": LABELS[:, None],
        "one-hot": np.eye(3)[LABELS],
    }[form]
    expected = spread(LABELS, scores(), margin)
    assert expected > 0
    received = numpy_of(SpreadLoss(margin)(labels, scores().astype("float32")))
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_gradient():
    (received,) = gradient(
        lambda y: SpreadLoss(0.5)(LABELS, y), scores().astype("float32")
    )
    expected = central_differences(lambda y: spread(LABELS, y, 0.5), scores())
    assert np.max(np.abs(expected)) > 0.1
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


def test_a_lead_of_the_margin_costs_nothing():
    assert float(SpreadLoss(0.4)(np.array([1]), np.array([[0.1, 0.5]]))) == 0


def test_config_holds_the_current_margin():
    loss = SpreadLoss(0.3)
    loss.margin.assign(0.625)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again.margin) == 0.625
    np.testing.assert_allclose(
        numpy_of(again(LABELS, scores())), spread(LABELS, scores(), 0.625)
    )


@pytest.mark.parametrize("margin", [0, -1.0, float("nan")])
def test_bad_margin(margin):
    with pytest.raises(
        ValueError, match="positive and finite. Received: margin="
    ):
        SpreadLoss(margin)


def test_bad_labels():
    with pytest.raises(ValueError, match="Labels must be"):
        SpreadLoss()(np.ones((4, 2)), scores())


def test_schedule():
    """The authors' m = 0.2 + 0.79 · sigmoid(min(10, step / 50000 − 4))."""
    for step in (0, 1, 50_000, 200_000, 700_000, 10**7):
        logit = min(10.0, step / 50_000 - 4)
        expected = 0.2 + 0.79 / (1 + np.exp(-logit))
        assert SpreadMargin().margin(step) == pytest.approx(expected)
        shorter = SpreadMargin(steps=7_000).margin(step / 100)
        assert shorter == pytest.approx(expected)


class Margins(keras.callbacks.Callback):
    """Notes the margin and the loss of each step."""

    def on_train_begin(self, logs=None):
        self.margins, self.losses = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.margins.append(float(self.model.loss.margin))
        self.losses.append(logs["loss"])


def classifier(jit_compile=False, **options):
    """Scores that training leaves alone: only the margin moves the loss."""
    image = keras.Input((3,))
    dense = keras.layers.Dense(3, use_bias=False)
    outputs = dense(image)
    poses = keras.layers.Reshape((3, 1, 1))(outputs)
    model = MatrixCapsuleNetwork(keras.Model(image, [poses, outputs]))
    model.compile(
        keras.optimizers.SGD(0.0),
        loss=SpreadLoss(0.9),
        jit_compile=jit_compile,
        **options,
    )
    dense.set_weights([np.eye(3)])
    return model


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_steps_see_the_margin(jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("torch.compile takes minutes")
    model, noted = classifier(jit_compile), Margins()
    schedule = SpreadMargin(steps=6)
    model.fit(
        scores(),
        LABELS,
        batch_size=4,
        epochs=6,
        verbose=0,
        callbacks=[schedule, noted],
    )
    expected = [schedule.margin(step) for step in range(6)]
    assert len(set(np.round(expected, 2))) >= 5
    np.testing.assert_allclose(noted.margins, expected, rtol=1e-6)
    losses = [spread(LABELS, scores(), margin) for margin in expected]
    np.testing.assert_allclose(noted.losses, losses, rtol=1e-4)


def test_a_resumed_training_goes_on_with_the_margin(tmp_path):
    model = classifier()
    schedule = SpreadMargin(steps=8)
    model.fit(scores(), LABELS, epochs=4, verbose=0, callbacks=[schedule])
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(reloaded.loss.margin) == pytest.approx(schedule.margin(3))
    noted = Margins()
    reloaded.fit(scores(), LABELS, verbose=0, callbacks=[schedule, noted])
    np.testing.assert_allclose(noted.margins, [schedule.margin(4)], rtol=1e-6)


@pytest.mark.parametrize("accumulated", [None, 2])
def test_steps_are_counted_on_the_host(accumulated):
    """Batches of three epochs, without a look at the optimizer's count."""
    model = classifier()
    optimizer = keras.optimizers.SGD(
        0.0, gradient_accumulation_steps=accumulated
    )
    model.compile(optimizer, loss=SpreadLoss(0.9), jit_compile=False)
    schedule, noted = SpreadMargin(steps=12), Margins()
    x, y = np.tile(scores(), (2, 1)), np.tile(LABELS, 2)
    model.fit(
        x,
        y,
        batch_size=len(LABELS),
        epochs=3,
        verbose=0,
        callbacks=[schedule, noted],
    )
    expected = [
        schedule.margin(step // (accumulated or 1)) for step in range(6)
    ]
    np.testing.assert_allclose(noted.margins, expected, rtol=1e-6)


class Steps(StepCallback):
    """Notes the steps that it was told of."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_step(self, step):
        self.steps.append(step)


def test_accumulated_batches_of_an_epoch_go_on_in_the_next():
    model, noted = classifier(), Steps()
    optimizer = keras.optimizers.SGD(0.0, gradient_accumulation_steps=2)
    model.compile(optimizer, loss=SpreadLoss(0.9), jit_compile=False)
    x, y = np.tile(scores(), (3, 1)), np.tile(LABELS, 3)
    length = len(LABELS)
    model.fit(x, y, length, epochs=3, verbose=0, callbacks=[noted])
    assert noted.steps == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    for expected in ([4, 5, 5], [6, 6, 7]):
        model.fit(x, y, length, verbose=0, callbacks=[noted])
        assert noted.steps[-3:] == expected


@pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="PyTorch takes one step an execution",
)
def test_several_steps_an_execution():
    """The margin of an execution is that of its first step."""
    model = classifier(steps_per_execution=2)
    schedule, noted = SpreadMargin(steps=12), Margins()
    x, y = np.tile(scores(), (3, 1)), np.tile(LABELS, 3)
    model.fit(
        x,
        y,
        batch_size=len(LABELS),
        epochs=2,
        verbose=0,
        callbacks=[schedule, noted],
    )
    expected = [schedule.margin(step) for step in (0, 2, 3, 5)]
    np.testing.assert_allclose(noted.margins, expected, rtol=1e-6)


def test_a_margin_that_has_ended_is_left_alone():
    model = classifier()
    schedule = SpreadMargin(steps=1)
    model.fit(scores(), LABELS, epochs=2, verbose=0, callbacks=[schedule])
    schedule.on_epoch_begin(2)
    schedule.on_train_batch_begin(0)
    model.loss.margin.assign(0.25)  # as nobody should
    schedule.on_train_batch_begin(1)
    assert float(model.loss.margin) == 0.25


def test_schedule_needs_a_spread_loss():
    model = classifier()
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match="compiled with a SpreadLoss"):
        model.fit(scores(), scores(), verbose=0, callbacks=[SpreadMargin()])


def test_bad_steps():
    with pytest.raises(ValueError, match="Received: steps=0"):
        SpreadMargin(steps=0)


def tiny(**arguments):
    return zoo.matrix_capsnet((17, 20, 2), 3, (4, 2, 3, 2), **arguments)


def data(count=6):
    random = np.random.default_rng(0)
    images = random.random((count, 17, 20, 2), "float32")
    return images, random.integers(3, size=count)


def test_parameters_of_the_net_in_the_literature():
    paper = {"routings": 3, "batch_normalization": False, "compile": False}
    model = zoo.matrix_capsnet((32, 32, 2), 5, **paper)
    assert model.count_params() == 68_754
    assert model.get_layer("class_capsules").routings == 3
    model = zoo.matrix_capsnet((32, 32, 2), 5, (32,) * 4, **paper)
    assert model.count_params() == 317_194


def test_the_default_is_the_net_that_is_shipped():
    model = zoo.matrix_capsnet((32, 32, 2), 5, compile=False)
    assert model.count_params() == 69_010
    assert model.get_layer("class_capsules").routings == 2
    arguments = zoo.model_info("matrix_capsnet")["arguments"]
    shipped = manifest.tags_of("matrix_capsnet")["mnist"]["arguments"]
    for name, value in shipped.items():
        default = arguments[name]
        received = list(default) if isinstance(default, tuple) else default
        assert received == value, name


@pytest.mark.slow
@pytest.mark.parametrize("rematerialize", [False, True])
def test_other_sizes_train(rematerialize):
    model = tiny(rematerialize=rematerialize)
    images, labels = data()
    history = model.fit(images, labels, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert "accuracy" in history
    again = model.fit(images, np.eye(3)[labels], batch_size=4, verbose=0)
    assert np.isfinite(again.history["loss"]).all()


@pytest.mark.slow
def test_training_lowers_the_loss():
    images, labels = data()
    images[np.arange(6), :, labels] = 1  # a bright column tells the class
    model = tiny(seed=1, loss=SpreadLoss(0.2))
    before = model.evaluate(images, labels, verbose=0)[0]
    model.fit(images, labels, epochs=60, batch_size=6, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[0] < 0.7 * before


def test_capsules():
    model = tiny()
    poses = model.capsules(data()[0])
    assert poses.shape == (6, 3, 4, 4)
    assert np.isfinite(poses).all() and np.ptp(poses) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (16, 20, 1)}, "height must be at least 17"),
        ({"capsules": (4, 2, 3)}, "four sizes.*Received"),
        ({"capsules": (4, 2, 0, 3)}, r"capsules\[2\]=0"),
        ({"num_classes": 0}, "num_classes=0"),
    ],
)
def test_bad_builder_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.matrix_capsnet(**arguments)
