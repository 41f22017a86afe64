"""Priors over codes in run folders: after the model, stopped and resumed."""

import keras
import numpy as np
import pytest

from tests.helpers import numpy_of
from zoo import runs
from zoo.cli import main
from zoo.export import load_model

SIZES = {"filters": 2, "num_codes": 4, "jit_compile": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "images.npz"
    random = np.random.default_rng(0)
    x, y = random.random((24, 4, 8, 1)).astype("float32"), np.arange(24) % 2
    np.savez(path, x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    return path


def train(data, out, prior_epochs, **options):
    return runs.train(
        "vq_vae",
        data,
        out,
        batch_size=8,
        epochs=options.pop("epochs", 1),
        prior_epochs=prior_epochs,
        arguments=SIZES,
        verbose=0,
        **options,
    )


def test_a_prior_goes_on_and_is_of_the_model_as_it_is(data, tmp_path):
    at_once = train(data, tmp_path / "at_once", 2)
    stopped = train(data, tmp_path / "stopped", 0)
    assert stopped.fitted_prior is None
    for epochs in (1, 2):
        stopped = train(data, tmp_path / "stopped", epochs, resume=True)
    drawn = at_once.draw_latents(9, seed=0)
    np.testing.assert_array_equal(stopped.draw_latents(9, seed=0), drawn)
    pairs = zip(*(m.fitted_prior.net.get_weights() for m in (at_once, stopped)))
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    held = load_model(tmp_path / "stopped")
    np.testing.assert_array_equal(held.draw_latents(9, seed=0), drawn)

    further = train(data, tmp_path / "at_once", 1, resume=True, epochs=2)
    state = keras.saving.load_model(tmp_path / "at_once" / "prior.keras")
    assert int(state.optimizer.iterations) == 3  # begun anew
    codes = further.encode(np.load(data)["x_test"])
    np.testing.assert_allclose(
        numpy_of(further.fitted_prior.nats(codes)),
        numpy_of(state.nats(codes)),
        rtol=1e-5,
    )


def test_what_has_no_prior(data, tmp_path):
    with pytest.raises(ValueError, match="model of codes, such as vq_vae"):
        runs.train("dense_vae", data, tmp_path, prior_epochs=1, verbose=0)
    with pytest.raises(ValueError, match="prior_epochs=1 with streaming=True"):
        train(data, tmp_path, 1, streaming=True)
    options = main.commands["train"].params
    assert "--prior-epochs" in {one for p in options for one in p.opts}
