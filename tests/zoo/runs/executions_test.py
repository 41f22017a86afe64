import keras
import numpy as np
import pytest

from tests.zoo.runs.training_test import TINY
from tests.zoo.runs.training_test import assert_same_state
from zoo import runs
from zoo.runs import executions

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch takes one step a call"
)
BATCH = {"batch_size": 8, "verbose": 0}


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    """63 images to train on: 7 batches and a part of one."""
    path = tmp_path_factory.mktemp("data") / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (70, 4, 4), "uint8")
    np.savez(path, x=images, y=np.arange(70) % 4)
    return path


def history_of(folder):
    return (folder / runs.HISTORY).read_text()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("dense_vae", {"kl_warm_up": 3}, marks=pytest.mark.slow),
        ("conditional_vae", {"binarize": True, "decay": "cosine"}),
        (
            "importance_weighted_vae",
            {"arguments": {**TINY, "num_samples": 2, "latent_dim": 3}},
        ),
    ],
)
def test_steps_taken_together_are_the_same_steps(
    name, options, small_data, tmp_path
):
    options = {"arguments": TINY, "epochs": 2, **BATCH, **options}
    for steps in (1, 3, 50):
        model = runs.train(
            name,
            small_data,
            tmp_path / str(steps),
            steps_per_execution=steps,
            **options,
        )
        assert model.steps_per_execution == steps
        assert int(model.optimizer.iterations) == 16
        assert_same_state(tmp_path / "1", tmp_path / str(steps))
        assert history_of(tmp_path / "1") == history_of(tmp_path / str(steps))


@pytest.mark.thorough
def test_a_run_goes_on_with_another_number(small_data, tmp_path):
    options = {"arguments": TINY, **BATCH}
    run = ("dense_vae", small_data)
    runs.train(*run, tmp_path / "whole", epochs=2, **options)
    parts = tmp_path / "parts"
    runs.train(*run, parts, epochs=1, steps_per_execution=5, **options)
    runs.train(
        *run, parts, epochs=2, steps_per_execution=3, resume=True, **options
    )
    assert_same_state(tmp_path / "whole", parts)
    assert history_of(tmp_path / "whole") == history_of(parts)


@pytest.mark.thorough
def test_a_long_run_measures_and_leaves_no_trace(
    small_data, tmp_path, monkeypatch
):
    options = {"arguments": TINY, "epochs": 2, **BATCH}
    runs.train("dense_vae", small_data, tmp_path / "short", **options)
    monkeypatch.setattr(executions, "WORTH", 1)
    model = runs.train("dense_vae", small_data, tmp_path / "long", **options)
    assert model.steps_per_execution > 1
    assert_same_state(tmp_path / "short", tmp_path / "long")
    assert history_of(tmp_path / "short") == history_of(tmp_path / "long")

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    watched = runs.train(
        "dense_vae",
        small_data,
        tmp_path / "watched",
        callbacks=[Watch()],
        **options,
    )
    assert watched.steps_per_execution == 1


@pytest.mark.thorough
def test_a_stream_ends_its_epochs_with_a_call(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for index in range(40):  # 36 to train on: 9 steps an epoch
        pixels = rng.integers(0, 256, (4, 4), "uint8")
        Image.fromarray(pixels).save(tmp_path / "images" / f"{index}.png")
    options = {"arguments": TINY, "streaming": True, "epochs": 2, "verbose": 0}

    def run(folder, steps):
        return runs.train(
            "dense_vae",
            tmp_path / "images",
            tmp_path / folder,
            batch_size=4,
            steps_per_execution=steps,
            **options,
        )

    run("one", 1)
    run("three", 3)
    assert_same_state(tmp_path / "one", tmp_path / "three")
    assert history_of(tmp_path / "one") == history_of(tmp_path / "three")
    with pytest.raises(ValueError, match="must divide .* of a stream, 9"):
        run("four", 4)
    assert not (tmp_path / "four").exists()
