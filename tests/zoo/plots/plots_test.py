import functools

import keras
import matplotlib.pyplot
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import zoo
from zoo import plots
from zoo.plots.canvas import PAGE

NORMAL_5_PERCENT = -1.6448536269514729
SIDE = 4
DIM = SIDE * SIDE


def flat_vae(latent_dim=2):
    return zoo.dense_vae(DIM, latent_dim, 8, seed=0, jit_compile=False)


@pytest.fixture(scope="module")
def model():
    return flat_vae()


@pytest.fixture(scope="module")
def conditional():
    return zoo.conditional_vae(DIM, 3, 2, 8, seed=0)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((30, DIM), "float32")


def drawn_image(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def tile(figure, row, column, side=SIDE, gap=1):
    top, left = row * (side + gap), column * (side + gap)
    return drawn_image(figure)[top : top + side, left : left + side]


def decoded(model, *z):
    image = model.decoder.predict(np.array([z], "float32"), verbose=0)
    return image.reshape(SIDE, SIDE)


def names(ticks):
    return [tick.get_text() for tick in ticks]


class TestImageGrid:
    @settings(max_examples=25, deadline=None)
    @given(
        count=st.integers(1, 9),
        columns=st.integers(1, 5),
        height=st.integers(1, 70),
        width=st.integers(1, 70),
        channels=st.sampled_from([None, 1, 3]),
    )
    def test_every_tile_is_read_back(
        self, count, columns, height, width, channels
    ):
        last = () if channels is None else (channels,)
        shape = (count, height, width, *last)
        images = np.random.default_rng(0).random(shape)
        grid = plots.image_grid(images, columns)
        rows = -(-count // columns)
        gap = max(1, round(min(height, width) / 28))
        assert grid.shape[:2] == (
            rows * (height + gap) - gap,
            columns * (width + gap) - gap,
        )
        if channels == 1:
            images = images[..., 0]
        for place, image in enumerate(images):
            top = place // columns * (height + gap)
            left = place % columns * (width + gap)
            read = grid[top : top + height, left : left + width]
            np.testing.assert_array_equal(read, image)

    def test_gaps_and_missing_tiles_are_white(self):
        grid = plots.image_grid(np.zeros((3, 2, 2)), 2)
        expected = np.ones((5, 5))
        expected[:2, :2] = expected[:2, 3:] = expected[3:, :2] = 0
        np.testing.assert_array_equal(grid, expected)

    def test_clips_values(self):
        grid = plots.image_grid(np.array([[[-0.1, 1.2]]]), 1)
        np.testing.assert_array_equal(grid, [[0, 1]])

    @pytest.mark.parametrize(
        ("dim", "image_shape", "expected"),
        [
            (784, None, (28, 28)),
            (3 * 64, None, (8, 8, 3)),
            (12, None, (2, 2, 3)),
            (6, (2, 3), (2, 3)),
            (18, (2, 3, 3), (2, 3, 3)),
        ],
    )
    def test_shape_of_flat_images(self, dim, image_shape, expected):
        grid = plots.image_grid(np.zeros((1, dim)), 1, image_shape)
        assert grid.shape == expected

    @pytest.mark.parametrize(
        ("images", "columns", "image_shape", "message"),
        [
            (np.zeros((2, 10)), 1, None, r"pass `image_shape=\(h, w\)`"),
            (np.zeros((2, 10)), 1, (3, 3), "as many values"),
            (np.zeros((2, 10)), 1, (10,), r"\(h, w\) or"),
            (np.zeros((2, 4, 4, 2)), 1, None, r"shape \(n, h, w\)"),
            (np.zeros(16), 1, None, r"shape \(n, h, w\)"),
            (np.zeros((0, 16)), 1, None, "must not be empty"),
            (np.full((1, 16), np.nan), 1, None, "finite"),
            (np.zeros((2, 16)), 0, None, "`columns` must be at least 1"),
            ("a picture", 1, None, "array of numbers"),
        ],
    )
    def test_bad_arguments(self, images, columns, image_shape, message):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            plots.image_grid(images, columns, image_shape)


class TestManifold:
    def test_first_latent_runs_right_and_second_upwards(self, model):
        figure = plots.manifold(model, size=3)
        quantiles = [NORMAL_5_PERCENT, 0.0, -NORMAL_5_PERCENT]
        for row, up in enumerate(reversed(quantiles)):
            for column, right in enumerate(quantiles):
                np.testing.assert_allclose(
                    tile(figure, row, column),
                    decoded(model, right, up),
                    atol=1e-6,
                )

    def test_axes_say_where_it_is(self, model):
        axes = plots.manifold(model, size=3).axes[0]
        values = ["−1.64", "0.00", "1.64"]
        assert names(axes.get_xticklabels()) == values
        assert names(axes.get_yticklabels()) == values[::-1]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("$z_1$", "$z_2$")

    def test_fifteen_by_fifteen_by_default(self, model):
        side = 15 * (SIDE + 1) - 1
        assert drawn_image(plots.manifold(model)).shape == (side, side)

    def test_other_latent_dims_are_zero(self):
        model = flat_vae(latent_dim=4)
        figure = plots.manifold(model, size=2, limits=(0.5, 0.95))
        expected = decoded(model, -NORMAL_5_PERCENT, 0, 0, 0)
        np.testing.assert_allclose(tile(figure, 1, 1), expected, atol=1e-6)
        assert "other 2 latent dims" in figure.axes[0].get_title()

    def test_one_latent_dim_gives_one_row(self):
        model = flat_vae(latent_dim=1)
        figure = plots.manifold(model, size=5)
        assert drawn_image(figure).shape == (SIDE, 5 * (SIDE + 1) - 1)
        expected = decoded(model, NORMAL_5_PERCENT)
        np.testing.assert_allclose(tile(figure, 0, 0), expected, atol=1e-6)

    def test_colour_images(self):
        model = zoo.conv_vae((8, 12, 3))
        grid = drawn_image(plots.manifold(model, size=2))
        assert grid.shape == (17, 25, 3)

    def test_flat_images_that_are_not_square(self):
        model = zoo.dense_vae(6, 2, 4)
        with pytest.raises(ValueError, match="image_shape"):
            plots.manifold(model, size=2)
        figure = plots.manifold(model, size=2, image_shape=(2, 3))
        assert drawn_image(figure).shape == (5, 7)

    @pytest.mark.parametrize("size", [0, -1, 2.5, "3"])
    def test_bad_size(self, model, size):
        with pytest.raises((ValueError, TypeError), match="`size` must be"):
            plots.manifold(model, size=size)

    @pytest.mark.parametrize("limits", [(0.9, 0.1), (0, 1), (0.1,), 0.5])
    def test_bad_limits(self, model, limits):
        with pytest.raises(ValueError, match="`limits` must"):
            plots.manifold(model, limits=limits)


class TestLatentScatter:
    def test_points_are_the_posterior_means(self, model, x):
        labels = np.arange(30) % 3
        axes = plots.latent_scatter(model, x, labels).axes[0]
        z_mean, _ = model.encoder.predict(x, verbose=0)
        points = axes.collections[0]
        np.testing.assert_allclose(points.get_offsets(), z_mean, atol=1e-6)
        colours = points.get_facecolors()
        assert len(np.unique(colours, axis=0)) == 3
        assert (colours[labels == 1] == colours[1]).all()

    def test_legend_matches_the_colours(self, model, x):
        labels = np.array(["cat", "dog"])[np.arange(30) % 2]
        figure = plots.latent_scatter(model, x, labels)
        legend = figure.legends[0]
        assert names(legend.get_texts()) == ["cat", "dog"]
        for place, handle in enumerate(legend.legend_handles):
            drawn = figure.axes[0].collections[0].get_facecolors()[place]
            assert tuple(drawn[:3]) == handle.get_color()

    def test_without_labels(self, model, x):
        figure = plots.latent_scatter(model, x)
        assert not figure.legends and len(figure.axes) == 1

    @pytest.mark.parametrize("name", [int, float, str])
    def test_colour_bar_for_many_classes(self, model, x, name):
        labels = [name(i) for i in range(30)]
        figure = plots.latent_scatter(model, x, labels)
        assert not figure.legends
        assert figure.axes[1].get_ylabel() == "label"

    def test_principal_components_of_more_dims(self, x):
        model = flat_vae(latent_dim=5)
        axes = plots.latent_scatter(model, x).axes[0]
        z_mean, _ = model.encoder.predict(x, verbose=0)
        variances = np.linalg.eigvalsh(np.cov(z_mean.T))[::-1]
        points = np.asarray(axes.collections[0].get_offsets())
        np.testing.assert_allclose(
            np.cov(points.T), np.diag(variances[:2]), atol=1e-5
        )
        share = variances[1] / variances.sum()
        assert axes.get_ylabel() == (
            f"principal component 2 of 5 latent dims ({share:.0%})"
        )

    def test_a_single_example_of_more_dims(self, x):
        plots.latent_scatter(flat_vae(latent_dim=5), x[:1])

    def test_one_latent_dim(self, x):
        model = flat_vae(latent_dim=1)
        axes = plots.latent_scatter(model, x, np.arange(30) % 3).axes[0]
        assert names(axes.get_yticklabels()) == ["0", "1", "2"]
        heights = np.asarray(axes.collections[0].get_offsets())[:, 1]
        np.testing.assert_array_equal(heights.round(), np.arange(30) % 3)
        counts = plots.latent_scatter(model, x).axes[0].patches
        assert sum(bar.get_height() for bar in counts) == 30

    def test_conditional_model_with_and_without_classes(self, conditional, x):
        one_hot = np.eye(3, dtype="float32")[np.arange(30) % 3]
        offsets = [
            plots.latent_scatter(conditional, given)
            .axes[0]
            .collections[0]
            .get_offsets()
            for given in (x, [x, one_hot])
        ]
        np.testing.assert_array_equal(*offsets)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (np.zeros(29), "one integer"),
            (np.zeros((30, 1)), "one integer"),
            (np.full(30, np.nan), "finite"),
        ],
    )
    def test_bad_labels(self, model, x, labels, message):
        with pytest.raises(ValueError, match=f"`labels` must.*{message}"):
            plots.latent_scatter(model, x, labels)

    @pytest.mark.parametrize(
        "given", [np.zeros((0, DIM)), np.full((2, DIM), np.nan), np.zeros(DIM)]
    )
    def test_bad_examples(self, model, given):
        with pytest.raises(ValueError, match="`x` must"):
            plots.latent_scatter(model, given)


class TestTraversals:
    def test_one_latent_changes_in_each_row(self, x):
        model = flat_vae(3)
        figure = plots.traversals(model, x, span=2.0, steps=5)
        means, log_vars = model.posterior(x)
        order = np.argsort(-means.std(axis=0))
        axes = figure.axes[0]
        assert names(axes.get_yticklabels()) == [
            f"latent {dim} · {means.std(axis=0)[dim]:.2f}" for dim in order
        ]
        assert names(axes.get_xticklabels())[::2] == ["−2", "0", "+2"]
        spread = np.sqrt(means.var(axis=0) + np.exp(log_vars).mean(axis=0))
        for row, dim in enumerate(order):
            for column, offset in enumerate([-2, -1, 0, 1, 2]):
                z = means[0].copy()
                z[dim] = means[:, dim].mean() + offset * spread[dim]
                np.testing.assert_allclose(
                    tile(figure, row, column), decoded(model, *z), atol=1e-5
                )

    def test_under_the_condition_of_the_first(self, x):
        model = zoo.conditional_vae(DIM, 3, 4, 8, condition="decoder", seed=0)
        one_hot = np.eye(3, dtype="float32")[np.arange(30) % 3 * 0 + 2]
        figure = plots.traversals(model, [x, one_hot], count=2, steps=3)
        means, _ = model.posterior([x, one_hot])
        dim = means.std(axis=0).argmax()
        z = means[0].copy()
        z[dim] = means[:, dim].mean()
        np.testing.assert_allclose(
            tile(figure, 0, 1).ravel(),
            model.decode(z[None], label=2)[0],
            atol=1e-5,
        )
        assert len(names(figure.axes[0].get_yticklabels())) == 2

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"span": 0}, "`span` must be above 0"),
            ({"steps": 1}, "`steps` must be"),
            ({"count": 0}, "`count` must be"),
        ],
    )
    def test_bad_input(self, model, x, options, message):
        with pytest.raises(ValueError, match=message):
            plots.traversals(model, x, **options)

    def test_other_latents(self, x):
        with pytest.raises(ValueError, match="must have Gaussian latents"):
            plots.traversals(zoo.vmf_vae(DIM, 3, 8), x)


class TestScoreMaps:
    def test_the_highest_scores_above_what_they_are_of(self, model, x):
        odd = x[:5].copy()
        odd[3] = np.arange(DIM) % 2  # nothing a fresh net expects
        figure = plots.score_maps(model, odd, count=3)
        order = np.argsort(-model.score_samples(odd))
        axes = figure.axes[0]
        assert names(axes.get_xticklabels()) == [
            f"{score:.0f}" for score in model.score_samples(odd)[order[:3]]
        ]
        assert names(axes.get_yticklabels())[2] == "nats of a pixel"
        for column, place in enumerate(order[:3]):
            image = odd[place].reshape(SIDE, SIDE, 1)
            np.testing.assert_allclose(
                tile(figure, 0, column), np.repeat(image, 3, 2), atol=1e-6
            )
        values = model.score_values(odd)[order[0]]
        brightness = tile(figure, 2, 0).sum(axis=-1).ravel()
        np.testing.assert_array_equal(values.argmax(), brightness.argmax())
        np.testing.assert_array_equal(
            np.argsort(values), np.argsort(brightness)
        )

    def test_colour(self):
        model = zoo.conv_vae((8, 8, 3), seed=0, jit_compile=False)
        images = np.random.default_rng(0).random((2, 8, 8, 3), "float32")
        figure = plots.score_maps(model, images)
        assert drawn_image(figure).shape == (3 * 9 - 1, 2 * 9 - 1, 3)

    def test_no_likelihood(self, x):
        net = zoo.pooling_cnn(seed=0)
        with pytest.raises(ValueError, match="a VariationalAutoencoder"):
            plots.score_maps(net, x)


class TestReconstructions:
    def test_originals_above_reconstructions(self, model, x):
        figure = plots.reconstructions(model, x, count=3)
        again = model.reconstruct(x[:3]).reshape(3, SIDE, SIDE)
        for column in range(3):
            original = x[column].reshape(SIDE, SIDE)
            np.testing.assert_allclose(tile(figure, 0, column), original)
            np.testing.assert_allclose(
                tile(figure, 1, column), again[column], atol=1e-6
            )
        rows = names(figure.axes[0].get_yticklabels())
        assert rows == ["original", "reconstruction"]

    def test_rows_of_ten(self, model, x):
        figure = plots.reconstructions(model, x, count=13)
        rows = names(figure.axes[0].get_yticklabels())
        assert rows == ["original", "reconstruction"] * 2
        for place, (row, column) in ((9, (0, 9)), (12, (2, 2))):
            original = x[place].reshape(SIDE, SIDE)
            np.testing.assert_allclose(tile(figure, row, column), original)
        np.testing.assert_array_equal(tile(figure, 3, 3), 1.0)
        assert figure.get_size_inches()[0] <= PAGE

    def test_fewer_examples_than_asked_for(self, model, x):
        figure = plots.reconstructions(model, x[:2])
        assert drawn_image(figure).shape == (9, 9)

    def test_conditional_model(self, conditional, x):
        one_hot = np.eye(3, dtype="float32")[np.arange(30) % 3]
        figure = plots.reconstructions(conditional, [x, one_hot], count=2)
        np.testing.assert_allclose(
            tile(figure, 1, 1),
            conditional.reconstruct(x[:2])[1].reshape(SIDE, SIDE),
            atol=1e-6,
        )

    @pytest.mark.parametrize(
        ("change", "count", "message"),
        [
            (lambda x: x * 255, 2, r"`x` must .*values in \[0, 1\]"),
            (lambda x: x * np.nan, 2, "`x` must .*finite"),
            (lambda x: x[:0], 2, "`x` must not be empty"),
            (lambda x: x, 0, "at least 1"),
        ],
    )
    def test_bad_arguments(self, model, x, change, count, message):
        with pytest.raises(ValueError, match=message):
            plots.reconstructions(model, change(x), count)


class TestSamples:
    def test_rows_of_generated_images(self, model):
        figure = plots.samples(model, count=7, seed=3)
        images = model.generate(7, seed=3).reshape(7, SIDE, SIDE)
        np.testing.assert_allclose(tile(figure, 1, 0), images[3], atol=1e-6)
        assert drawn_image(figure).shape == (14, 14)

    def test_bad_count(self, model):
        with pytest.raises(ValueError, match="`count` must be"):
            plots.samples(model, count=0)

    def test_a_row_for_each_class(self, conditional):
        figure = plots.class_samples(conditional, per_class=4, seed=5)
        for label in range(3):
            images = conditional.generate(4, seed=5, label=label)
            np.testing.assert_allclose(
                tile(figure, label, 2),
                images[2].reshape(SIDE, SIDE),
                atol=1e-6,
            )
        assert names(figure.axes[0].get_yticklabels()) == ["0", "1", "2"]

    def test_class_samples_need_classes(self, model):
        with pytest.raises(ValueError, match="`model` must be conditional"):
            plots.class_samples(model)


LOSSES = {
    "kl_loss": [0.1, 0.2, 0.3],
    "loss": [3.0, 2.0, 1.5],
    "val_loss": [3.5, 2.5, 2.0],
}


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


class TestTrainingCurves:
    def test_training_and_validation_share_a_panel(self):
        loss, divergence = plots.training_curves(LOSSES).axes
        training, validation = lines(loss).values()
        assert training.get_label() == "training"
        assert training.get_linestyle() == "-"
        assert validation.get_linestyle() == "--"
        assert training.get_color() == validation.get_color()
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(validation.get_ydata(), [3.5, 2.5, 2])
        assert loss.get_xlabel() == "epoch"
        assert loss.get_ylabel() == "nats per image"
        assert divergence.get_title() == "KL loss"

    def test_a_bound_is_in_nats_on_a_page(self):
        names = ("loss", "kl_loss", "negative_elbo", "reconstruction_loss")
        history = {name: [2.0, place] for place, name in enumerate(names)}
        figure = plots.training_curves(history)
        assert all(axes.get_xlim()[0] >= 0.5 for axes in figure.axes)
        history["negative_elbo"] = history["loss"]
        once = plots.training_curves(history).axes
        assert [one.get_title() for one in once][:2] == ["loss", "KL loss"]
        assert len(once) == 3
        assert figure.axes[2].get_title() == "negative ELBO"
        assert figure.axes[2].get_ylabel() == "nats per image"
        assert figure.get_size_inches()[0] <= PAGE

    def test_a_quantity_without_validation(self):
        _, divergence = plots.training_curves(LOSSES).axes
        assert list(lines(divergence)) == ["training"]

    def test_unit_of_other_quantities(self):
        history = {"loss": [1, 2], "accuracy": [0.5, 0.6]}
        axes = plots.training_curves(history, "nats per poem").axes
        labels = [panel.get_ylabel() for panel in axes]
        assert labels == ["nats per poem", "accuracy"]

    def test_resumed_history_of_keras(self):
        history = keras.callbacks.History()
        history.epoch, history.history = [5, 6, 7], LOSSES
        loss = plots.training_curves(history).axes[0]
        np.testing.assert_array_equal(loss.lines[0].get_xdata(), [6, 7, 8])

    def test_single_epoch_is_named_beside_its_marks(self):
        history = {"loss": [551.25], "val_loss": [548.5], "kl_loss": [3]}
        loss, divergence = plots.training_curves(history).axes
        assert names(loss.texts) == ["training 551.2", "validation 548.5"]
        assert names(divergence.texts) == ["training 3"]
        low, high = loss.get_xlim()
        assert low < 1 < high and loss.get_legend() is None
        assert all(line.get_marker() == "o" for line in loss.lines)

    def test_single_epoch_without_a_value(self, tmp_path):
        path = tmp_path / "history.csv"
        path.write_text("epoch,loss,val_loss\n0,3,NA\n")
        (loss,) = plots.training_curves(path).axes
        assert names(loss.texts) == ["training 3"]

    @pytest.mark.parametrize(("epochs", "marked"), [(2, True), (30, False)])
    def test_few_epochs_are_marked(self, epochs, marked):
        (loss,) = plots.training_curves({"loss": range(epochs)}).axes
        assert (loss.lines[0].get_marker() == "o") == marked

    @pytest.mark.parametrize("missing", ["", "NA", "nan"])
    def test_csv_file_with_missing_values(self, tmp_path, missing):
        path = tmp_path / "history.csv"
        path.write_text(f"epoch,loss,val_loss\n0,3,{missing}\n1,2,2.5\n2,1\n")
        loss = plots.training_curves(path).axes[0]
        training, validation = lines(loss).values()
        np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(validation.get_xdata(), [2])
        assert validation.get_marker() == "o"

    @pytest.mark.parametrize(
        ("history", "message"),
        [
            ({}, "`history` must hold a quantity"),
            ({"loss": []}, "`loss` must have a value for each epoch"),
            ({"loss": [1, 2], "val_loss": [1]}, "`val_loss` must have a value"),
            ({"loss": ["high"]}, "`loss` must hold numbers"),
            ({"loss": 1.0}, "`loss` must hold numbers"),
            (3, "`history` must be a keras History, a dict or the path"),
        ],
    )
    def test_bad_history(self, history, message):
        with pytest.raises(ValueError, match=message):
            plots.training_curves(history)

    def test_empty_file(self, tmp_path):
        path = tmp_path / "history.csv"
        path.write_text("epoch,loss\n")
        with pytest.raises(ValueError, match="`history` must hold a quantity"):
            plots.training_curves(str(path))


def fitted(x, callbacks, **arguments):
    model = flat_vae()
    arguments = {"epochs": 2, "batch_size": 10, "verbose": 0} | arguments
    keras.utils.set_random_seed(0)
    return model, model.fit(x, callbacks=callbacks, **arguments)


class TestEpochPicture:
    def test_one_file_an_epoch_also_when_resumed(self, x, tmp_path):
        folder = tmp_path / "new" / "pictures"
        draw = functools.partial(plots.manifold, size=2)
        callback = plots.EpochPicture(draw, folder)
        fitted(x, [callback])
        first = (folder / "epoch_001.png").read_bytes()
        fitted(x, [callback], initial_epoch=2, epochs=3)
        files = sorted(file.name for file in folder.iterdir())
        assert files == ["epoch_001.png", "epoch_002.png", "epoch_003.png"]
        assert (folder / "epoch_001.png").read_bytes() == first
        assert first.startswith(b"\x89PNG")

    def test_every(self, tmp_path, model):
        callback = plots.EpochPicture(lambda model: Figure(), tmp_path, every=2)
        callback.set_model(model)
        callback.on_train_begin()
        for epoch in range(5):
            callback.on_epoch_end(epoch)
        files = sorted(file.name for file in tmp_path.iterdir())
        assert files == ["epoch_002.png", "epoch_004.png"]

    def test_leaves_training_as_it_is(self, x, tmp_path):
        draw = functools.partial(plots.samples, count=4)
        callback = plots.EpochPicture(draw, tmp_path)
        _, with_pictures = fitted(x, [callback])
        _, without = fitted(x, [])
        assert with_pictures.history == without.history

    def test_folder_that_cannot_be_written(self, x, tmp_path):
        file = tmp_path / "file"
        file.touch()
        drawn = []
        callback = plots.EpochPicture(drawn.append, file / "pictures")
        with pytest.raises(ValueError, match="`folder` must"):
            fitted(x, [callback])
        assert not drawn

    def test_bad_arguments(self, tmp_path):
        with pytest.raises(ValueError, match="`draw` must"):
            plots.EpochPicture("manifold", tmp_path)
        with pytest.raises(ValueError, match="`every` must be"):
            plots.EpochPicture(plots.manifold, tmp_path, every=0)

    def test_draw_without_a_figure(self, tmp_path, model):
        callback = plots.EpochPicture(lambda model: None, tmp_path)
        callback.set_model(model)
        with pytest.raises(ValueError, match="`draw` must return"):
            callback.on_epoch_end(0)


def test_figures_stay_out_of_pyplot_and_show_in_notebooks(model):
    figure = plots.manifold(model, size=2)
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert matplotlib.pyplot.get_fignums() == []
