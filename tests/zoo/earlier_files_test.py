"""Files of 0.1 say which version wrote them."""

import json
import zipfile

import h5py
import keras
import pytest

import zoo
from keras_capsvae.models.earlier_files import EarlierFileError


def written_by_0_1(path, model, class_name, **config):
    """The model's file, with what 0.1 wrote for its config."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    saved = json.loads(files["config.json"])
    saved |= {"class_name": class_name, "config": config}
    saved["registered_name"] = f"keras_capsvae>{class_name}"
    files["config.json"] = json.dumps(saved)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def model():
    return zoo.dense_vae(4, intermediate_dim=3, compile=False)


@pytest.mark.parametrize(
    "name",
    [
        "ImageAutoencoder",
        "ImportanceWeightedImageAutoencoder",
        "PoemAutoencoder",
        "Classifier",
        "CapsuleNetwork",
    ],
)
def test_models(model, name, tmp_path):
    graph = {"layers": [], "input_layers": [], "output_layers": []}
    path = written_by_0_1(tmp_path / "old.keras", model, name, **graph)
    for load in (keras.saving.load_model, zoo.load_model):
        with pytest.raises(EarlierFileError, match=f"{name} was .* 0.1"):
            load(path)


def test_weights(model, tmp_path):
    path = tmp_path / "old.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file["layers"].move("gaussian_latent", "kl_loss")
    with pytest.raises(ValueError, match="keras-capsvae 0.1"):
        zoo.dense_vae(4, intermediate_dim=3, weights=path)
