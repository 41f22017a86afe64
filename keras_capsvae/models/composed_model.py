"""A functional model with a constructor of its own that files can call."""

import functools
import inspect
from typing import Any

import keras

from keras_capsvae.models.earlier_files import refuse_graph
from keras_capsvae.models.serving import Endpoint
from keras_capsvae.models.serving import write_saved_model
from keras_capsvae.private_keras import Functional
from keras_capsvae.private_keras import can_use_xla
from keras_capsvae.private_keras import check_xla
from keras_capsvae.private_keras import keep_frozen
from keras_capsvae.private_keras import of_every_backend
from keras_capsvae.private_keras import variables_to_restore
from keras_capsvae.typing import Config


class ComposedModel(Functional):
    """A model that is saved as the arguments of its constructor.

    Keras revives a functional model from its graph, and only if its constructor
    takes `*args, **kwargs`. Here the config holds what the constructor was
    called with, parts such as an encoder included, and `from_config` calls it
    again; so do subclasses with a constructor of their own, as long as Keras
    can serialise their arguments.

    Attributes:
        part_names: Names of attributes that the graph was made of, which are
            set once.
    """

    part_names: tuple[str, ...] = ()

    def __new__(cls, *args, **kwargs):
        model = super().__new__(cls, *args, **kwargs)
        # Neither tracked nor walked by Keras: the parts are saved once.
        object.__setattr__(model, "_constructed", _Call(args, kwargs))
        return model

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.part_names and getattr(self, name, value) is not value:
            raise AttributeError(
                f"`{name}` must stay what the model was built with, for its "
                f"graph holds it: build another {type(self).__name__} of the "
                f"new {name}, or give this one weights, "
                f"model.{name}.set_weights(...). Received: {value!r:.60}"
            )
        super().__setattr__(name, value)

    def get_config(self) -> Config:
        signature = inspect.signature(self.__init__)
        arguments = self._constructed.arguments(signature)
        arguments["name"] = self.name
        if keras.backend.is_keras_tensor(_first(arguments.get("inputs"))):
            graph = keras.Model(arguments.pop("inputs"), arguments["outputs"])
            arguments["outputs"] = graph  # of which Keras has the config
        serialize = keras.saving.serialize_keras_object
        return {key: serialize(value) for key, value in arguments.items()}

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Config | None = None
    ) -> "ComposedModel":
        refuse_graph(cls.__name__, config)
        deserialize = keras.saving.deserialize_keras_object
        arguments = {
            key: deserialize(value, custom_objects)
            if isinstance(value, (dict, list))
            else value
            for key, value in config.items()
        }
        if isinstance(arguments.get("outputs"), keras.Model):
            graph = arguments["outputs"]
            arguments |= {"inputs": graph.input, "outputs": graph.output}
        model = _named(cls, arguments)
        keep_frozen(model)
        return model

    @functools.wraps(keras.Model.compile)
    def compile(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(super().compile).bind(*args, **kwargs)
        check_xla(self, given.arguments.get("jit_compile"))
        super().compile(*args, **kwargs)

    def get_compile_config(self) -> Config | None:
        return of_every_backend(super().get_compile_config())

    def compile_from_config(self, config: Config) -> None:
        config = of_every_backend(config)
        if not can_use_xla(self):
            # XLA on the CPU is a choice for TensorFlow and one device, which
            # the file may come from; PyTorch would take minutes to compile.
            config = {**config, "jit_compile": "auto"}
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    @functools.wraps(keras.Model.quantize)
    def quantize(self, *args: Any, **kwargs: Any) -> None:
        super().quantize(*args, **kwargs)
        # Keras forgets what was traced of the whole model, not of its parts.
        for part in self._flatten_layers(include_self=False):
            if isinstance(part, keras.Model):
                part.predict_function = None

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        return children | variables_to_restore(self, save_type)

    def serving_endpoints(self) -> dict[str, Endpoint]:
        """Endpoints of a SavedModel by name; see `write_saved_model`.

        None: what Keras makes of the model, `serve` alone.
        """
        return {}

    def served_beside(self) -> list[keras.Model]:
        """Models that endpoints read and whose weights are not its own.

        No property: Keras writes what properties give into files.
        """
        return []

    def serving_files(self) -> dict[str, str]:
        """Texts that a SavedModel carries in `assets.extra`, by file name."""
        return {}

    @functools.wraps(keras.Model.save)
    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                "A model is saved as .keras, which holds all of it: HDF5 has "
                "the graph alone, without the loss and what else a "
                f"{type(self).__name__} knows. save_weights takes .weights.h5. "
                f"Received: {filepath}"
            )
        super().save(filepath, *args, **kwargs)

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Write the model for serving; see `keras.Model.export`.

        A SavedModel, the default format, has the `serving_endpoints` of the
        model, for any batch size.

        Raises:
            TypeError: If such endpoints are given a signature.
            RuntimeError: If such endpoints are to be written on another backend
                than TensorFlow.
        """
        is_saved_model = format == "tf_saved_model"
        endpoints = self.serving_endpoints() if is_saved_model else {}
        if not endpoints:
            self(self.input)  # Keras refuses a model that was never called.
            super().export(filepath, format, verbose, **kwargs)
            return
        if kwargs:
            raise TypeError(
                f"A SavedModel of a {type(self).__name__} has endpoints of its "
                f"own, {list(endpoints)}. Received: {sorted(kwargs)}"
            )
        write_saved_model(
            self, endpoints, filepath, verbose, self.serving_files()
        )


def _first(structure):
    return next(iter(keras.tree.flatten(structure)), None)


def _named(cls, arguments):
    """A model of these arguments, among them a name for constructors of any."""
    name = arguments.get("name")
    if "name" not in inspect.signature(cls).parameters:
        arguments.pop("name", None)
    model = cls(*_positional(cls, arguments), **arguments)
    if name is not None:
        model.name = name
    return model


def _positional(cls, arguments):
    """The arguments up to those of an `*args` parameter, taken out."""
    parameters = list(inspect.signature(cls).parameters.values())
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return []
    last = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    before = [arguments.pop(one.name) for one in parameters[:last]]
    return [*before, *arguments.pop(parameters[last].name, [])]


class _Call:
    """The arguments of a call, as they were given."""

    def __init__(self, args, kwargs):
        self.args, self.kwargs = args, kwargs

    def arguments(self, signature):
        """By name, those of a `**kwargs` parameter among them."""
        given = dict(signature.bind(*self.args, **self.kwargs).arguments)
        for parameter in signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given.update(given.pop(parameter.name, {}))
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                given[parameter.name] = list(given.get(parameter.name, ()))
        return given
