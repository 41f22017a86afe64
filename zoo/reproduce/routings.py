"""Every routing in one net: what each reads, and what it costs."""

import pathlib
import statistics
import time

import zoo
from keras_capsvae.routing.named import ROUTINGS
from zoo.datasets import feeds
from zoo.reproduce import steps
from zoo.reproduce import two_digits
from zoo.reproduce.bars import bars_of_nets
from zoo.reproduce.claims import CLAIMS
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS = 10
SEEDS = {"mnist": (1, 2, 3), "fashion_mnist": (1,)}
QUICK_ROUTINGS = (
    "kmeans",
    "self_attention",
    "inverted_attention",
    "self_routing",
)
QUICK = {"epochs": 2, "batch_size": 64}
BATCH_SIZE, STEPS = 128, 15  # of the time of a step

FASHION = "Fashion-MNIST, %"
READ = {
    **{one: f"{one}, %" for one in two_digits.COUNTED.values()},
    "Fashion-MNIST": FASHION,
}
COLUMNS = {**READ, "ms a step": "ms a step", "parameters": "parameters"}


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    each = QUICK["epochs"] if quick else EPOCHS
    return each * sum(1 for _ in _runs(quick))


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train `capsule_cnn` with every routing; accuracies, times and sizes.

    Runs on MNIST are those of `two-digits`, in folders of the same names.
    """
    sources = {"mnist": steps.mnist(quick), "fashion_mnist": "fashion_mnist"}
    options = QUICK if quick else {"epochs": EPOCHS}
    values: dict[str, list[float]] = {}
    for routing, data, seed in _runs(quick):
        of_data = "" if data == "mnist" else f"_{data}"
        model = steps.train(
            folder / f"{routing}{of_data}_{seed}",
            "capsule_cnn",
            sources[data],
            progress,
            seed=seed,
            arguments={"routing": routing},
            **options,
        )
        arrays = feeds.load(model, sources[data])
        measure = _fashion if data == "fashion_mnist" else _digits
        for name, value in measure(model, arrays).items():
            values.setdefault(f"{routing}, {name}", []).append(value)
    routings = list(dict.fromkeys(routing for routing, _, _ in _runs(quick)))
    for routing in routings:
        for name, value in _costs(routing, sources["mnist"]).items():
            values[f"{routing}, {name}"] = [value]
    figures = {name: Figure(tuple(found)) for name, found in values.items()}
    paths = [folder / "routings.md", folder / "routings.png"]
    paths[0].write_text(_table(figures, routings), encoding="utf-8")
    picture = bars_of_nets(
        figures, routings, READ, "{:.0f}", 100.0, CLAIMS["routings"].published
    )
    picture.savefig(paths[1], dpi=150)
    return figures, paths


def _runs(quick):
    """Routing, data and seed of each training."""
    data_sets = {"mnist": (1,)} if quick else SEEDS
    for data, seeds in data_sets.items():
        for routing in QUICK_ROUTINGS if quick else ROUTINGS:
            for seed in seeds:
                yield routing, data, seed


def _digits(model, arrays):
    shares = two_digits.accuracy(model, arrays.x_test, arrays.y_test)
    return {
        f"{counted}, %": 100 * shares[key]
        for key, counted in two_digits.COUNTED.items()
    }


def _fashion(model, arrays):
    figures = model.evaluate(
        arrays.x_test, arrays.y_test, verbose=0, return_dict=True
    )
    return {FASHION: 100 * figures["accuracy"]}


def _costs(routing, source):
    """Milliseconds of a training step, the least of some; parameters."""
    model = zoo.capsule_cnn(routing=routing, seed=0)
    arrays = feeds.load(model, source)
    batch = arrays.x_train[:BATCH_SIZE], arrays.y_train[:BATCH_SIZE]
    taken = []
    for _ in range(1 + STEPS):
        start = time.perf_counter()
        model.train_on_batch(*batch)
        taken.append(time.perf_counter() - start)
    return {
        "ms a step": 1000 * min(taken[1:]),  # the first one traces
        "parameters": float(model.count_params()),
    }


def _table(figures, routings):
    """Rows in Markdown: means, with a deviation where there are seeds."""
    lines = [
        " | ".join(("| routing", *COLUMNS)) + " |",
        "|---" * (1 + len(COLUMNS)) + "|",
    ]
    for routing in routings:
        cells = [
            _cell(figures.get(f"{routing}, {ending}"))
            for ending in COLUMNS.values()
        ]
        lines.append(" | ".join((f"| `{routing}`", *cells)) + " |")
    return "\n".join(lines) + "\n"


def _cell(figure):
    if figure is None:
        return ""
    if figure.mean > 1000:
        return f"{figure.mean:,.0f}"
    text = f"{figure.mean:.2f}"
    if len(figure.values) > 1:
        text += f" ± {statistics.stdev(figure.values):.2f}"
    return text
