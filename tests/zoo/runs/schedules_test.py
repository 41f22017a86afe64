import keras
import numpy as np
import pytest

from tests.zoo.runs.training_test import TINY
from tests.zoo.runs.training_test import assert_same_state
from zoo import runs


def cosine(steps, highest, lowest):
    progress = np.linspace(0, 1, steps + 1)
    return lowest + (highest - lowest) * (1 + np.cos(np.pi * progress)) / 2


@pytest.fixture
def small_data(tmp_path):
    path = tmp_path / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), "uint8")
    np.savez(path, x=images)  # a tenth is held out
    return path


def small_run(data, folder, **options):
    options = {"decay": "cosine", "batch_size": 10, "verbose": 0, **options}
    return runs.train("dense_vae", data, folder, arguments=TINY, **options)


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine():
    schedule = runs.cosine_decay(100, 0.5, warm_up=0.2, final=0.1)
    rates = [float(schedule(step)) for step in range(101)]
    np.testing.assert_allclose(rates[:21], np.linspace(0, 0.5, 21), atol=1e-6)
    np.testing.assert_allclose(rates[20:], cosine(80, 0.5, 0.05), atol=1e-6)
    schedule = runs.cosine_decay(10, 2.0)
    rates = [float(schedule(step)) for step in range(11)]
    np.testing.assert_allclose(rates, cosine(10, 2.0, 0), atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps": 0},
        {"steps": 1, "warm_up": 0.1},
        {"steps": 9, "warm_up": 1.0},
        {"steps": 9, "final": -0.1},
    ],
)
def test_no_such_decay(arguments):
    with pytest.raises(ValueError, match="must be"):
        runs.cosine_decay(**arguments)


@pytest.mark.thorough
def test_a_decay_ends_with_the_run_and_goes_on_where_it_stopped(
    small_data, tmp_path
):
    def run(folder, **options):
        options = {"learning_rate": 3e-3, "epochs": 3, **options}
        return small_run(small_data, tmp_path / folder, **options)

    class Stopped(Exception):
        pass

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise Stopped

    whole = run("whole")
    # 54 images, 6 steps an epoch.
    rates = [float(whole.optimizer._learning_rate(step)) for step in range(19)]
    np.testing.assert_allclose(rates, cosine(18, 3e-3, 3e-5), rtol=1e-5)
    with pytest.raises(Stopped):
        run("parts", callbacks=[Stop()])
    with pytest.raises(ValueError, match="epochs=5 instead of 3"):
        run("parts", epochs=5, resume=True)
    run("parts", resume=True)
    assert_same_state(tmp_path / "whole", tmp_path / "parts")


def test_a_decay_begins_at_the_rate_of_the_model(small_data, tmp_path):
    model = small_run(small_data, tmp_path / "run", epochs=1)
    rate = model.optimizer.get_config()["learning_rate"]["config"]
    assert rate["initial_learning_rate"] == pytest.approx(1e-3)
    assert rate["decay_steps"] == 6


def test_a_learning_rate_is_that_of_the_optimizer(small_data, tmp_path):
    model = small_run(
        small_data, tmp_path / "run", epochs=1, decay=None, learning_rate=0.5
    )
    assert float(model.optimizer.learning_rate) == 0.5


def test_weight_and_capacity_of_latents_are_raised(small_data, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            latent = self.model.latent
            seen.append([float(one) for one in latent.scheduled])

    options = {"decay": None, "callbacks": [Watch()], "epochs": 3}
    options |= {"kl_warm_up_steps": 4, "kl_curve": "sigmoid", "kl_cycles": 2}
    arguments = {**TINY, "capacity": 6.0, "kl_weight": 2.0}
    runs.train(
        "dense_vae",
        small_data,
        tmp_path / "run",
        batch_size=20,
        verbose=0,
        capacity_warm_up=2,
        arguments=arguments,
        **options,
    )  # 54 images, 3 steps an epoch
    weights, capacities = np.transpose(seen)
    rise = [0, np.nan, 1, np.nan]  # of the half of the sigmoid
    rise = [*rise, 2, 2, 2, 2, 0]
    known = ~np.isnan(rise)
    np.testing.assert_allclose(weights[known], np.array(rise)[known], atol=1e-6)
    assert 0 < weights[1] < 0.5 and 1.5 < weights[3] < 2
    np.testing.assert_allclose(capacities, [0] * 3 + [3] * 3 + [6] * 3)
