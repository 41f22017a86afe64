import keras
import pytest

pytest.register_assert_rewrite("tests.helpers")


@pytest.fixture(autouse=True)
def reset_seed():
    """Every test starts from one global seed, whatever ran before it."""
    keras.utils.set_random_seed(0)
