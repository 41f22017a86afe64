"""Priors over codes in run folders: after the model, stopped and resumed."""

import json

import keras
import numpy as np
import pytest

from tests.helpers import numpy_of
from tests.zoo.cli.cli_test import call
from tests.zoo.cli.cli_test import output_of
from zoo import runs
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_sizes_of_the_prior_on_the_command_line(data, tmp_path):
    run = tmp_path / "run"
    sized = ["--set-prior", "width=8", "--set-prior", "num_heads=2"]
    sizes = [word for key in SIZES for word in ("--set", f"{key}={SIZES[key]}")]
    command = ["train", "vq_vae", "--data", data, "--out", run, "--epochs", 1]
    command += [*sizes, "--prior-epochs", 1]
    refused = call(*command, "--set-prior", "width=9")
    assert "`width` must be a multiple of `num_heads`" in refused.output
    refused = call(*command, "--set-prior", "widht=8")
    assert "no argument 'widht'. Did you mean width?" in refused.output
    assert not run.exists()
    output_of(*command, *sized, "--model-only")
    assert not (run / "saved_model").exists()
    assert not (run / "pictures").exists()
    config = json.loads((run / "config.json").read_text())
    assert config["prior_arguments"] == {"width": 8, "num_heads": 2}
    assert load_model(run).fitted_prior.net.width == 8
    other = [*command[:2], "--out", run, "--resume", "--prior-epochs", 2]
    refused = call(*other, "--set-prior", "width=16")
    assert "A prior goes on as it began (--set-prior)" in refused.output
    output_of(*other, "--model-only")

    pictures = []
    for heat in ([], ["--temperature", 1], ["--temperature", 0.01]):
        path = tmp_path / f"{len(pictures)}.png"
        output_of("sample", run, "--out", path, *heat)
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    model = load_model(run)
    model.fitted_prior = None
    model.save(tmp_path / "without.keras")
    refused = call("sample", tmp_path / "without.keras", "--temperature", 1)
    assert "--temperature is that of a prior over codes" in refused.output


def test_what_has_no_prior(data, tmp_path):
    with pytest.raises(ValueError, match="model of codes, such as vq_vae"):
        runs.train("dense_vae", data, tmp_path, prior_epochs=1, verbose=0)
    with pytest.raises(ValueError, match="prior_epochs=1 with streaming=True"):
        train(data, tmp_path, 1, streaming=True)
    with pytest.raises(ValueError, match="Received: .*width.*without"):
        train(data, tmp_path, 0, prior_arguments={"width": 8})
