import keras
import numpy as np
import pytest
from keras import layers

import zoo
from keras_capsvae import CapsuleLayer
from keras_capsvae import CapsuleNetwork
from keras_capsvae import Classifier
from keras_capsvae import PrimaryCapsules
from tests import capsule_oracles
from zoo import plots
from zoo.plots.canvas import PAGE
from zoo.plots.canvas import PALETTE
from zoo.plots.receptive_fields import fields_below

BLUE, GREEN, RED = PALETTE[0], PALETTE[2], PALETTE[3]
SHAPE = (20, 22, 1)  # 2 × 3 positions of 32 capsules in capsnet


@pytest.fixture(scope="module")
def cnn():
    keras.utils.set_random_seed(1)
    return zoo.capsule_cnn()


@pytest.fixture(scope="module")
def capsnet():
    keras.utils.set_random_seed(2)
    model = zoo.capsnet(SHAPE, num_classes=3)
    for weight in model.decoder.weights:  # else all that it draws is grey
        weight.assign(weight * 3)
    return model


@pytest.fixture(scope="module")
def pixel_scores():
    """A classifier whose scores are the pixels of its images."""
    image = keras.Input((1, 4, 1))
    scores = layers.Flatten()(image)
    return Classifier(image, scores, input_range=(0, 1))


def random_images(*shape):
    return np.random.default_rng(0).random(shape, "float32")


def small_network(*below, shape=(12, 10, 1), name="capsules", **options):
    image = x = keras.Input(shape)
    for layer in below:
        x = layer(x)
    capsules = CapsuleLayer(4, 5, name=name, **options)(x)
    return CapsuleNetwork(keras.Model(image, capsules))


def convolved(**options):
    reshape = layers.Reshape((-1, 3))
    return small_network(
        layers.Conv2D(3, 3, strides=2, padding="same"), reshape, **options
    )


def array(image):
    return np.asarray(image.get_array())


def names(ticks):
    return [tick.get_text() for tick in ticks]


def titles(figure):
    return [axes.get_title().split()[1] for axes in figure.axes[1:-1]]


def couplings_by_hand(votes, routing, iterations):
    """From the capsules that fewer iterations give."""
    logits = np.zeros(votes.shape[:2])
    for fewer in range(1, iterations):
        capsules = capsule_oracles.ROUTINGS[routing](
            votes[None], fewer, constant=1.0
        )[0]
        if routing == "kmeans":
            capsules /= np.linalg.norm(capsules, axis=-1, keepdims=True)
        agreement = np.einsum("ijd,jd->ij", votes, capsules)
        logits = agreement if routing == "kmeans" else logits + agreement
    return capsule_oracles.softmax_over_outputs(logits)


def couplings_and_pulls(model, image):
    """Both (n_in, classes), by hand from the parts and the weights."""
    layer = model.get_layer("capsules")
    parts = keras.Model(model.inputs[0], layer.input).predict(
        image[None], verbose=0
    )
    weights = [keras.ops.convert_to_numpy(weight) for weight in layer.weights]
    votes = capsule_oracles.votes(parts, *weights)
    votes = votes[0]
    coupled = couplings_by_hand(votes, layer.routing, layer.routings)
    pulls = np.zeros_like(coupled)
    for j in range(layer.num_capsules):
        total = coupled[:, j] @ votes[:, j]
        length = np.sqrt(total @ total)
        for i, vote in enumerate(votes[:, j]):
            pulls[i, j] = coupled[i, j] * (vote @ total) / length
    return coupled, pulls


def assert_drawn(figure, panel, expected):
    drawn = array(figure.axes[panel].images[1])
    assert drawn.shape == expected.shape
    np.testing.assert_allclose(drawn, expected, rtol=1e-4, atol=1e-6)


class TestCouplings:
    @pytest.mark.parametrize("height", [28, 40])
    def test_pulls_on_images_of_any_size(self, cnn, height):
        image = random_images(height, 28, 1)
        figure = plots.couplings(cnn, image, [7, 2])
        coupled, pulls = couplings_and_pulls(cnn, image)
        rows = height // 2 - 6
        for panel, label in ((1, 7), (2, 2)):
            expected = pulls[:, label].reshape(rows, 8)
            assert_drawn(figure, panel, expected)
            title = figure.axes[panel].get_title()
            least, most = coupled[:, label].min(), coupled[:, label].max()
            assert title.endswith(f"couplings {least:.2f}\u2013{most:.2f}")

    def test_they_add_up_to_the_capsule_before_the_squash(self, cnn):
        image = random_images(28, 28, 1)
        figure = plots.couplings(cnn, image, [4])
        length = np.linalg.norm(cnn.capsules(image[None])[0, 4])
        before = np.sqrt(0.5 * length / (1 - length))
        drawn = array(figure.axes[1].images[1])
        np.testing.assert_allclose(drawn.sum(), before, rtol=1e-3)
        title = figure.axes[1].get_title()
        assert title.startswith(f"capsule 4 \u00b7 length {length:.2f}")

    def test_capsules_at_a_position_add_up(self, capsnet):
        image = random_images(*SHAPE)
        figure = plots.couplings(capsnet, image, [1])
        _, pulls = couplings_and_pulls(capsnet, image)
        by_position = pulls[:, 1].reshape(6, 32).sum(axis=1)
        assert_drawn(figure, 1, by_position.reshape(2, 3))

    def test_self_routing_counts_parts_by_their_length(self):
        model = convolved(share_weights=True, routing="self_routing")
        image = random_images(12, 10, 1)
        figure = plots.couplings(model, image, [3])
        layer = model.get_layer("capsules")
        parts = keras.Model(model.inputs[0], layer.input).predict(
            image[None], verbose=0
        )
        kernel, *_ = [keras.ops.convert_to_numpy(w) for w in layer.weights]
        votes = capsule_oracles.votes(parts, kernel)[0, :, 3]
        _, coupled = layer(parts, return_couplings=True)
        lengths = np.linalg.norm(parts[0], axis=-1)
        shares = keras.ops.convert_to_numpy(coupled)[0, :, 3] * lengths
        shares /= lengths.mean()
        total = shares @ votes
        expected = shares * (votes @ total) / np.sqrt(total @ total)
        assert np.ptp(lengths) > 0.01
        assert_drawn(figure, 1, expected.reshape(6, 5))

    @pytest.mark.parametrize("share_weights", [True, False])
    def test_votes_with_a_bias(self, share_weights):
        model = convolved(
            share_weights=share_weights,
            use_bias=True,
            bias_initializer="random_normal",
        )
        image = random_images(12, 10, 1)
        figure = plots.couplings(model, image, [3])
        _, pulls = couplings_and_pulls(model, image)
        assert_drawn(figure, 1, pulls[:, 3].reshape(6, 5))

    def test_the_image_lies_below(self, cnn):
        image = random_images(56, 28, 1)
        figure = plots.couplings(cnn, image, [0])
        for axes in figure.axes[:2]:
            np.testing.assert_array_equal(array(axes.images[0]), image[..., 0])
            assert axes.get_xlim() == (-0.5, 27.5)
            assert axes.get_ylim() == (55.5, -0.5)
        assert not figure.axes[0].images[1:]

    def test_colour_images_in_grey(self):
        reshape = layers.Reshape((-1, 3))
        model = small_network(layers.Conv2D(3, 3), reshape, shape=(6, 6, 3))
        image = random_images(6, 6, 3)
        figure = plots.couplings(model, image)
        drawn = array(figure.axes[0].images[0])
        np.testing.assert_allclose(drawn, image.mean(axis=-1))

    def test_all_panels_share_the_scale_of_the_bar(self, cnn):
        image = random_images(28, 28, 1)
        figure = plots.couplings(cnn, image, range(10))
        *panels, bar = figure.axes[1:]
        assert len(panels) == 10
        most = max(array(axes.images[1]).max() for axes in panels)
        assert {axes.images[1].get_clim() for axes in panels} == {(0, most)}
        assert bar.get_ylim() == (0, most)
        assert bar.get_ylabel() == "pull on the capsule"

    @pytest.mark.parametrize(
        ("scales", "expected"),
        [
            ([50, 0, 50, 0], ["0", "2"]),
            ([1e-4, 1e-4, 2e-4, 1e-4], ["2"]),
            ([50, 50, 50, 50], ["0", "1", "2", "3"]),
        ],
    )
    def test_classes_that_are_there_or_the_best(self, scales, expected):
        model = convolved()
        layer = model.get_layer("capsules")
        kernel = np.ones((3, 1, 5)) * np.reshape(scales, (4, 1))
        layer.kernel.assign(kernel)
        convolution = model.layers[1]
        convolution.set_weights([np.ones((3, 3, 1, 3)), np.zeros(3)])
        figure = plots.couplings(model, random_images(12, 10, 1))
        assert titles(figure) == expected

    @pytest.mark.parametrize(("height", "width"), [(28, 280), (140, 28)])
    def test_no_picture_is_wider_than_a_page(self, cnn, height, width):
        image = random_images(height, width, 1)
        figure = plots.couplings(cnn, image, range(10))
        assert figure.get_size_inches()[0] <= PAGE
        assert len(titles(figure)) == 10

    def test_black_image(self, cnn):
        black = np.zeros((28, 28, 1))
        figure = plots.couplings(cnn, black)
        np.testing.assert_array_equal(array(figure.axes[1].images[1]), 0)
        assert titles(figure) == ["0"]

    def test_one_class_by_its_number(self, cnn):
        figure = plots.couplings(cnn, random_images(28, 28, 1), np.int64(6))
        assert titles(figure) == ["6"]

    @pytest.mark.parametrize("classes", [[], [10], [-1], [1, 1], [1.0], "3"])
    def test_bad_classes(self, cnn, classes):
        with pytest.raises((TypeError, ValueError), match="`classes`"):
            plots.couplings(cnn, random_images(28, 28, 1), classes)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.zeros((28, 28)), "must have shape"),
            (np.zeros((1, 28, 28, 1)), "must have shape"),
            (np.zeros((10, 28, 1)), "too small"),
            (np.full((28, 28, 1), 255.0), "must lie in"),
            (np.full((28, 28, 1), np.nan), "must be finite"),
        ],
    )
    def test_bad_image(self, cnn, image, message):
        with pytest.raises(ValueError, match=f"`image.*{message}"):
            plots.couplings(cnn, image)

    @pytest.mark.parametrize(
        "build", [zoo.pooling_cnn, lambda: zoo.dense_vae(16, 2, 4)]
    )
    def test_models_without_capsules(self, build):
        with pytest.raises(ValueError, match="must be a CapsuleNetwork"):
            plots.couplings(build(), random_images(28, 28, 1))

    def test_class_capsules_of_another_name(self):
        model = convolved(name="digits")
        figure = plots.couplings(model, random_images(12, 10, 1), [0, 2])
        assert titles(figure) == ["0", "2"]

    def test_class_capsules_of_another_layer(self):
        image = keras.Input((8, 8, 1))
        capsules = layers.Reshape((4, 16))(image)
        model = CapsuleNetwork(keras.Model(image, capsules))
        with pytest.raises(ValueError, match="from a CapsuleLayer.*Reshape"):
            plots.couplings(model, random_images(8, 8, 1))

    @pytest.mark.parametrize(
        "below",
        [
            [layers.Flatten(), layers.Dense(12), layers.Reshape((-1, 3))],
            [layers.UpSampling2D(2), layers.Reshape((-1, 3))],
            [layers.Conv2D(2, 3), layers.Reshape((-1, 4))],
            [layers.Conv2D(2, 3), layers.Reshape((-1, 28))],
        ],
        ids=["dense", "upsampled", "mixed positions", "capsules of positions"],
    )
    def test_parts_that_lie_nowhere(self, below):
        model = small_network(*below, shape=(12, 9, 1))
        with pytest.raises(ValueError, match="must be a chain of conv"):
            plots.couplings(model, random_images(12, 9, 1))

    def test_branches(self):
        image = keras.Input((8, 8, 3))
        x = layers.Add()([image, layers.Conv2D(3, 3, padding="same")(image)])
        parts = layers.Reshape((-1, 3))(x)
        capsules = CapsuleLayer(4, 5, name="capsules")(parts)
        model = CapsuleNetwork(keras.Model(image, capsules))
        with pytest.raises(ValueError, match="must be a chain of conv"):
            plots.couplings(model, random_images(8, 8, 3))


class TestReceptiveFields:
    """Positions lie in the middle of the pixels that change them."""

    @pytest.mark.parametrize(
        "below",
        [
            [layers.Conv2D(3, 3)],
            [layers.Conv2D(3, 3, strides=2, padding="same")],
            [layers.Conv2D(3, 3, padding="same"), layers.Conv2D(3, 3)],
            [layers.Conv2D(3, (3, 5), strides=(2, 1)), layers.Conv2D(3, 3)],
            [layers.Conv2D(3, 3, dilation_rate=2), layers.ReLU()],
            [
                layers.Conv2D(4, 3),
                layers.AveragePooling2D(2),
                layers.Dropout(0.5),
                layers.Conv2D(3, 3, strides=2),
            ],
            [layers.MaxPooling2D(3, 2, padding="same"), layers.Conv2D(3, 2)],
        ],
        ids=["valid", "same", "both", "strides", "dilated", "pooled", "max"],
    )
    def test_after_convolutions_and_poolings(self, below):
        self.check([*below, layers.Reshape((-1, 3))], capsules=1)

    def test_after_primary_capsules(self):
        primary = PrimaryCapsules(2, 3, kernel_size=5, strides=2)
        self.check([layers.Conv2D(3, 3), primary], capsules=2)

    def check(self, below, capsules):
        height, width = 23, 20
        model = small_network(*below, shape=(height, width, 1))
        for weight in model.trainable_weights:
            if weight.name == "kernel":
                weight.assign(np.ones(weight.shape))
        layer = model.get_layer("capsules")
        encoder = keras.Model(model.inputs[0], layer.input)
        pixels = np.eye(height * width).reshape(-1, height, width, 1)
        changed = encoder.predict(pixels, verbose=0).max(axis=-1) > 0
        sides = fields_below(model, layer, (height, width, 1))
        rows, columns = (side.positions for side in sides)
        assert changed.shape[1] == rows * columns * capsules
        changed = changed[..., ::capsules].reshape(height, width, rows, columns)
        for axis, side in enumerate(sides):
            seen = changed.any(axis=(1 - axis, 3 - axis))  # pixels × positions
            for position in range(1, side.positions - 1):
                touched = np.flatnonzero(seen[:, position])
                middle = (touched[0] + touched[-1]) / 2
                assert side.centre + position * side.step == middle

    def test_overlay_of_capsule_cnn(self, cnn):
        figure = plots.couplings(cnn, random_images(56, 28, 1), [0])
        extent = figure.axes[1].images[1].get_extent()
        assert tuple(extent) == (5.5, 21.5, 49.5, 5.5)

    def test_overlay_of_capsnet(self, capsnet):
        figure = plots.couplings(capsnet, random_images(*SHAPE), [0])
        extent = figure.axes[1].images[1].get_extent()
        assert tuple(extent) == (7, 13, 11, 7)


def tile(figure, row, column):
    height, width, _ = SHAPE
    top, left = row * (height + 1), column * (width + 1)
    drawn = array(figure.axes[0].images[0])
    return drawn[top : top + height, left : left + width]


class TestPerturbations:
    def test_one_dim_a_row_one_offset_a_column(self, capsnet):
        image = random_images(*SHAPE)
        figure = plots.perturbations(capsnet, image, label=2)
        pose = capsnet.capsules(image[None])[0, 2]
        offsets = np.arange(-5, 6) * 0.05
        for dim in (0, 3, 15):
            for column in (0, 4, 10):
                masked = np.zeros((1, 3 * 16))
                masked[0, 32:] = pose
                masked[0, 32 + dim] += offsets[column]
                np.testing.assert_allclose(
                    tile(figure, dim, column),
                    capsnet.decoder.predict(masked, verbose=0)[0, ..., 0],
                    atol=1e-5,
                )
        change = tile(figure, 0, 0) - tile(figure, 0, 10)
        assert np.abs(change).max() > 1e-3

    def test_middle_column_is_the_reconstruction(self, capsnet):
        image = random_images(*SHAPE)
        figure = plots.perturbations(capsnet, image, label=1, steps=5)
        expected = capsnet.reconstruct(image[None], np.array([1]))[0, ..., 0]
        for dim in range(16):
            drawn = tile(figure, dim, 2)
            np.testing.assert_allclose(drawn, expected, atol=1e-5)

    def test_longest_capsule_by_default(self, capsnet):
        image = random_images(*SHAPE)
        scores = capsnet.predict(image[None], verbose=0)[0]
        figure = plots.perturbations(capsnet, image, steps=3)
        np.testing.assert_allclose(
            tile(figure, 7, 1),
            capsnet.reconstruct(image[None])[0, ..., 0],
            atol=1e-5,
        )
        assert figure.axes[0].get_xlabel() == (
            f"added to a dim of capsule {scores.argmax()} "
            f"(length {scores.max():.2f})"
        )

    def test_names(self, capsnet):
        image = random_images(*SHAPE)
        figure = plots.perturbations(capsnet, image, span=0.5, steps=5)
        axes = figure.axes[0]
        offsets = ["\u22120.5", "\u22120.25", "0", "+0.25", "+0.5"]
        dims = [f"dim {d}" for d in range(1, 17)]
        assert names(axes.get_xticklabels()) == offsets
        assert names(axes.get_yticklabels()) == dims

    def test_labels_of_any_kind_of_integer(self, capsnet):
        image = random_images(*SHAPE)
        figure = plots.perturbations(capsnet, image, np.int64(2), steps=2)
        assert "capsule 2 " in figure.axes[0].get_xlabel()

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"steps": 1}, ValueError, "`steps` must be at least 2"),
            ({"steps": 2.5}, TypeError, "`steps` must be an integer"),
            ({"span": 0}, ValueError, "`span` must be above 0"),
            ({"span": -0.25}, ValueError, "`span` must"),
            ({"span": np.nan}, ValueError, "`span` must"),
            ({"label": 3}, ValueError, r"`label` must lie in \[0, 2\]"),
            ({"label": 1.5}, TypeError, "`label` must be an integer"),
            ({"image": np.zeros((28, 28, 1))}, ValueError, "`image.*shape"),
        ],
    )
    def test_bad_arguments(self, capsnet, arguments, error, message):
        arguments = {"image": random_images(*SHAPE)} | arguments
        with pytest.raises(error, match=message):
            plots.perturbations(capsnet, **arguments)

    def test_models_without_a_decoder_or_capsules(self, cnn):
        image = random_images(28, 28, 1)
        with pytest.raises(ValueError, match="have a decoder.*capsule_cnn"):
            plots.perturbations(cnn, image)
        with pytest.raises(ValueError, match="must be a CapsuleNetwork"):
            plots.perturbations(zoo.dense_vae(16, 2, 4), image)


class TestReconstructions:
    def test_longest_capsules_decoded(self, capsnet):
        images = random_images(4, *SHAPE)
        figure = plots.reconstructions(capsnet, images, count=3)
        decoded = capsnet.reconstruct(images)
        for column in range(3):
            above, below = tile(figure, 0, column), tile(figure, 1, column)
            np.testing.assert_allclose(above, images[column, ..., 0])
            np.testing.assert_allclose(
                below, decoded[column, ..., 0], atol=1e-5
            )
        assert array(figure.axes[0].images[0]).shape == (41, 68)

    @pytest.mark.parametrize("build", [zoo.capsule_cnn, zoo.pooling_cnn])
    def test_models_without_a_decoder(self, build):
        with pytest.raises(ValueError, match="`model` must have a decoder"):
            plots.reconstructions(build(), random_images(2, 28, 28, 1))


SCORES = np.array(
    [[0.1, 0.9, 0.2, 0.3], [0.8, 0.1, 0.7, 0.0], [0.4, 0.5, 0.1, 0.6]],
    "float32",
)


def drawn_predictions(model, labels=None, scores=SCORES, **options):
    images = scores.reshape(-1, 1, 4, 1)
    return plots.predictions(model, images, labels, **options)


def bars(figure):
    """For each image the classes, scores and colours below it."""
    return [
        (
            [int(name) for name in names(axes.get_yticklabels())],
            [float(np.float32(bar.get_width())) for bar in axes.patches],
            [bar.get_facecolor()[:3] for bar in axes.patches],
        )
        for axes in figure.axes[1::2]
    ]


def verdicts(figure):
    return [
        (axes.get_title(), axes.title.get_color()) for axes in figure.axes[::2]
    ]


class TestPredictions:
    def test_highest_scores_first(self, pixel_scores):
        figure = drawn_predictions(pixel_scores)
        classes, scores, _ = zip(*bars(figure))
        assert classes == ([1, 3, 2], [0, 2, 1], [3, 1, 0])
        expected = [[0.9, 0.3, 0.2], [0.8, 0.7, 0.1], [0.6, 0.5, 0.4]]
        np.testing.assert_allclose(scores, expected, rtol=1e-6)
        texts = [names(axes.texts) for axes in figure.axes[1::2]]
        assert texts[0] == ["0.90", "0.30", "0.20"]
        assert figure.axes[1].get_xlim() == (0, 1)
        top, bottom = figure.axes[1].patches[0], figure.axes[1].patches[2]
        assert top.get_y() < bottom.get_y()
        assert figure.axes[1].yaxis_inverted()

    def test_without_labels_nothing_is_judged(self, pixel_scores):
        figure = drawn_predictions(pixel_scores)
        assert {c for _, _, all_ in bars(figure) for c in all_} == {BLUE}
        assert [title for title, _ in verdicts(figure)] == [
            "predicted 1",
            "predicted 0",
            "predicted 3",
        ]

    @pytest.mark.parametrize("shape", [(3,), (3, 1)])
    def test_integer_labels(self, pixel_scores, shape):
        labels = np.reshape([1, 2, 3], shape)
        figure = drawn_predictions(pixel_scores, labels)
        assert verdicts(figure) == [
            ("label 1 \u2713", GREEN),
            ("label 2 \u2717", RED),
            ("label 3 \u2713", GREEN),
        ]
        colours = [drawn for _, _, drawn in bars(figure)]
        assert [drawn[0] for drawn in colours] == [GREEN, RED, GREEN]
        others = {other for drawn in colours for other in drawn[1:]}
        assert len(others) == 1 and not others & {GREEN, RED, BLUE}

    def test_as_many_highest_scores_as_labels(self, pixel_scores):
        labels = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1]])
        figure = drawn_predictions(pixel_scores, labels)
        assert verdicts(figure) == [
            ("label 1, 2 \u2717", RED),
            ("label 0, 2 \u2713", GREEN),
            ("label 0, 1, 3 \u2713", GREEN),
        ]
        (_, _, first), (_, _, second), (_, _, third) = bars(figure)
        assert len(first) == 4
        assert first[:2] == [RED, RED] and RED not in first[2:]
        assert second[:2] == [GREEN, GREEN] and GREEN not in second[2:]
        assert third[:3] == [GREEN] * 3 and third[3] != GREEN

    def test_all_classes_at_once(self, pixel_scores):
        figure = drawn_predictions(pixel_scores, np.ones((3, 4)))
        assert [drawn for _, _, drawn in bars(figure)] == [[GREEN] * 4] * 3

    @pytest.mark.parametrize(("count", "drawn"), [(1, 1), (2, 2), (12, 3)])
    def test_the_first_images(self, pixel_scores, count, drawn):
        figure = drawn_predictions(pixel_scores, [1, 0, 3], count=count)
        above = figure.axes[::2]
        assert len(above) == len(bars(figure)) == drawn
        for axes, scores in zip(above, SCORES):
            np.testing.assert_array_equal(array(axes.images[0]), scores[None])

    def test_twelve_images_by_default(self, pixel_scores):
        figure = drawn_predictions(pixel_scores, scores=np.tile(SCORES, (5, 1)))
        assert len(figure.axes) == 2 * 12
        rows = {axes.get_subplotspec().rowspan.start for axes in figure.axes}
        assert rows == {0, 1, 2, 3, 4, 5}
        assert figure.get_size_inches()[0] <= PAGE

    def test_scores_are_capsule_lengths_on_tall_images(self, cnn):
        images = random_images(2, 56, 28, 1)
        figure = plots.predictions(cnn, images, np.eye(10)[[3, 4]])
        lengths = np.linalg.norm(cnn.capsules(images), axis=-1)
        for (classes, scores, _), expected in zip(bars(figure), lengths):
            np.testing.assert_allclose(scores, expected[classes], rtol=1e-4)
            assert scores == sorted(scores, reverse=True)
            assert max(expected) == expected[classes[0]]

    def test_colour_images(self):
        image = keras.Input((1, 2, 3))
        model = Classifier(image, layers.Flatten()(image))
        images = random_images(2, 1, 2, 3)
        figure = plots.predictions(model, images)
        np.testing.assert_array_equal(
            array(figure.axes[0].images[0]), images[0]
        )

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([1, 2], "`labels` must have as many rows"),
            ([1, 2, 4], "`labels` must lie in"),
            (np.zeros((3, 4)), "`labels` must .*at least one 1"),
            (np.full((3, 4), 0.5), "`labels` must be 0 or 1"),
            (np.zeros((3, 5)), "`labels` must have shape"),
        ],
    )
    def test_bad_labels(self, pixel_scores, labels, message):
        with pytest.raises(ValueError, match=message):
            drawn_predictions(pixel_scores, labels)

    @pytest.mark.parametrize("count", [0, -1, 1.5])
    def test_bad_count(self, pixel_scores, count):
        with pytest.raises((ValueError, TypeError), match="`count` must be"):
            drawn_predictions(pixel_scores, count=count)

    @pytest.mark.parametrize(
        ("scores", "message"),
        [(SCORES * 255, "must lie in"), (SCORES[:0], "must not be empty")],
    )
    def test_bad_images(self, pixel_scores, scores, message):
        with pytest.raises(ValueError, match=f"`images` {message}"):
            drawn_predictions(pixel_scores, scores=scores)

    def test_no_classifier(self):
        with pytest.raises(ValueError, match="must be a classifier"):
            plots.predictions(zoo.dense_vae(16, 2, 4), random_images(2, 16))
