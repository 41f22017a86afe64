import keras


def check_variable_paths(model: keras.Model) -> None:
    """Raise where two variables that are trained on PyTorch share a path.

    Keras finds the variables of a PyTorch module by their paths. Of two with
    one path it would never reset the gradient of the first.

    Raises:
        ValueError: If there are such.
    """
    if keras.backend.backend() != "torch":
        return
    paths = [variable.path for variable in model.trainable_variables]
    shared = sorted({path for path in paths if paths.count(path) > 1})
    if shared:
        raise ValueError(
            "On PyTorch every layer of a model must have a name of its "
            "own, in encoder and decoder alike. Received: variables that "
            f"share the paths {shared}"
        )
