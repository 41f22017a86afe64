import io

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAGE = 8.0  # inches: no picture is wider
PALETTE: list = colormaps["tab10"].colors  # pyright: ignore


class Picture(Figure):
    """A figure that notebooks show without pyplot."""

    def __init__(self, width: float, height: float):
        super().__init__(figsize=(width, height), dpi=150, layout="constrained")
        self.get_layout_engine().set(hspace=0.06, wspace=0.08)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", bbox_inches="tight")
        return file.getvalue()


def remove_upper_frame(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
