import json
import pathlib

import pytest

from tests.helpers import tensorflow_only
from tests.scripts import run_script

SCRIPT = pathlib.Path(__file__).with_name("replicas.py")
QUICK = ("weighted_vae", "free_bits", "small_capsules")


def _found(devices, *models):
    printed = run_script(SCRIPT.read_text(), devices, *models)
    return json.loads(printed.splitlines()[-1])


@pytest.mark.thorough
@tensorflow_only
@pytest.mark.parametrize(
    ("devices", "models"),
    [
        (2, QUICK),
        pytest.param(2, (), marks=pytest.mark.slow),
        pytest.param(4, (), marks=pytest.mark.slow),
    ],
)
def test_replicas_train_like_one_device(devices, models):
    found = _found(devices, *models)
    noise = found.pop("own_noise")
    assert noise["first"] == 0.0
    assert noise["least"] > 1e-4
    for name, differences in found.items():
        assert max(differences.values()) <= 1e-5, (name, differences)
