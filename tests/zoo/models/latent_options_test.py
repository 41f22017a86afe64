"""What all Gaussian VAEs of the zoo can be asked for, by one net each."""

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import NormalisedMean
from keras_capsvae import bits_per_dim
from tests.poems import COUPLETS
from tests.poems import small
from zoo import datasets
from zoo import evaluation

OPTIONS = {
    "free_bits": 0.2,
    "capacity": 3.0,
    "regulariser": "mmd",
    "normalised_mean": 0.7,
}
LOSSES = {
    "gaussian": {"loss": "gaussian"},
    "learned_variance": {"loss": "learned_variance"},
    "optimal_variance": {"loss": "optimal_variance"},
    "discretised_logistic": {"loss": "discretised_logistic"},
}


def colour_net(**options):
    return zoo.conv_vae(
        (4, 4, 3), 3, filters=(4,), seed=0, jit_compile=False, **options
    )


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (24, 4, 4, 3)).astype("float32") / 255


@pytest.fixture(scope="module", params=OPTIONS | LOSSES)
def trained(request, images):
    name = request.param
    model = colour_net(**LOSSES.get(name, {name: OPTIONS.get(name)}))
    history = model.fit(images, batch_size=8, epochs=2, verbose=0).history
    return name, model, history


def test_each_option_trains_and_is_in_the_file(trained, images, tmp_path):
    name, model, history = trained
    assert np.isfinite(history["loss"]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.posterior(images), model.posterior(images), rtol=1e-5, atol=1e-6
    )
    assert again.loss.get_config() == model.loss.get_config()
    if name in LOSSES:
        return
    values = {
        "free_bits": again.latent.free_bits,
        "capacity": again.latent.initial_capacity,
        "regulariser": again.latent.term_names and again.latent.term_names[0],
        "normalised_mean": [
            layer.gamma
            for layer in again.encoder.layers
            if isinstance(layer, NormalisedMean)
        ],
    }
    assert values[name] == (
        [0.7] if name == "normalised_mean" else OPTIONS[name]
    )


def test_bits_of_each_value_of_8_bit_images(images):
    model = colour_net(loss="discretised_logistic")
    figures = evaluation.evaluate(model, images, verbose=0)
    expected = figures["negative_elbo"] / (48 * np.log(2))
    assert figures["bits_per_dim"] == pytest.approx(expected)
    assert figures["bits_per_dim"] == pytest.approx(
        bits_per_dim(figures["loss"], 48)
    )
    others = evaluation.evaluate(colour_net(), images, verbose=0)
    assert "bits_per_dim" not in others


def test_a_loss_of_no_name():
    with pytest.raises(ValueError, match="'learned_variance'.*loss='gausian'"):
        colour_net(loss="gausian")


def test_a_regulariser_knows_how_many_examples_batches_hold(images):
    model = colour_net(regulariser="tc")
    model.fit(datasets.Batches(images, batch_size=10), verbose=0)
    assert float(model.latent.regulariser.size) == 24


def test_what_a_loss_has_learned_comes_with_weights(images, tmp_path):
    model = colour_net(loss="learned_variance", capacity=2.0)
    model.fit(images, epochs=3, verbose=0)
    for file in ("own.weights.h5", "own.keras"):
        path = tmp_path / file
        (model.save_weights if "weights" in file else model.save)(path)
        again = colour_net(loss="learned_variance", weights=path)
        received = again.loss.learned_variance
        np.testing.assert_allclose(received, model.loss.learned_variance)
        other = colour_net(loss="discretised_logistic", weights=path)
        assert other.loss.learned_scale == pytest.approx(0.1)


@pytest.mark.parametrize(
    "options", [{"capacity": 7.0}, {"regulariser": "tc"}, {"free_bits": 0.1}]
)
def test_shipped_weights_can_be_trained_on_in_another_way(options):
    model = zoo.dense_vae(weights="mnist", **options)
    values = [float(one) for one in model.latent.scheduled]
    assert values == [1.0, *([7.0] if "capacity" in options else [])]


@pytest.mark.parametrize(
    "options",
    [{"capacity": 2.0}, {"regulariser": "mmd"}, {"free_bits": 0.1}],
)
def test_several_samples_have_no_place_for_other_penalties(options):
    with pytest.raises(ValueError, match="penalty of its own"):
        colour_net(num_samples=3, **options)


def test_options_that_exclude_each_other():
    with pytest.raises(ValueError, match="free_bits=0.1, capacity=2"):
        colour_net(capacity=2.0, free_bits=0.1)
    with pytest.raises(ValueError, match="`gamma` must be positive"):
        colour_net(normalised_mean=0)


@pytest.mark.thorough
def test_a_poet_takes_the_same_options(tmp_path):
    model = small(normalised_mean=0.5, regulariser="mmd")
    ids = model.encode_text(COUPLETS)
    history = model.fit(ids, epochs=2, verbose=0).history
    assert history["kl_loss"][-1] > 0.5 * 0.5**2  # of each latent
    model.save(tmp_path / "poet.keras")
    again = keras.saving.load_model(tmp_path / "poet.keras")
    assert again.generate(2, seed=0) == model.generate(2, seed=0)
