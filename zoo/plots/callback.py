import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from matplotlib.figure import Figure

from keras_capsvae.validation.numbers import check_integer
from zoo.plots.checks import expect


class EpochPicture(keras.callbacks.Callback):
    """Saves a picture of the model after each epoch.

    The files are `epoch_001.png`, `epoch_002.png` and so on; a run that is
    resumed with `initial_epoch` goes on counting. Files of other epochs stay.

    Args:
        draw: Callable, the model → a `matplotlib.figure.Figure`; several
            functions of `zoo.plots` serve as they are, the others through
            `functools.partial`.
        folder: Path of the folder of the pictures, made when it is missing.
        every: Integer, draw after each so many epochs. Defaults to 1.

    Raises:
        ValueError: If `draw` cannot be called or gives no figure, if `every` is
            below 1, or, before training, if `folder` cannot be written.

    Example:

    ```python
    import numpy as np
    import zoo
    from zoo import plots

    images = np.random.rand(200, 784)
    picture = plots.EpochPicture(plots.manifold, "pictures")
    zoo.dense_vae().fit(images, epochs=2, callbacks=[picture])
    ```

    Source: Jianlin Su, https://kexue.fm/archives/5253.
    """

    def __init__(
        self,
        draw: Callable[[keras.Model], Figure],
        folder: str | os.PathLike,
        every: int = 1,
    ):
        super().__init__()
        expect(callable(draw), "`draw` must be callable", draw=draw)
        check_integer("every", every)
        self.draw = draw
        self.folder = Path(folder)
        self.every = every

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise ValueError(
                "`folder` must be a folder that can be written. "
                f"Received: folder={self.folder} ({error})"
            ) from error

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        done = epoch + 1
        if done % self.every:
            return
        figure = self.draw(self.model)
        expect(
            isinstance(figure, Figure),
            "`draw` must return a matplotlib Figure",
            returned=type(figure),
        )
        figure.savefig(
            self.folder / f"epoch_{done:03d}.png", bbox_inches="tight"
        )
