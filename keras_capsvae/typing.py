"""Names of what formulas and layers take and give, for type hints."""

from collections.abc import Callable
from typing import Any
from typing import TypeAlias

# A tensor of any backend, symbolic or not, or what NumPy reads as an array.
Tensor: TypeAlias = Any
# Sizes of axes, integers, `None` where a size is open.
Shape: TypeAlias = tuple[Any, ...]
# What `get_config` gives and `from_config` takes.
Config: TypeAlias = dict[str, Any]
# What `keras.activations.get`, `keras.initializers.get` and the like take.
Identifier: TypeAlias = str | Config | Callable[..., Any] | None
