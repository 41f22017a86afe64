"""kexue.fm 4823: gated convolutions read the order of characters."""

import os
import pathlib

from matplotlib.figure import Figure as MatplotlibFigure

import zoo
from keras_capsvae import LabelCrossentropy
from keras_capsvae import vocabulary_of
from zoo import datasets
from zoo.datasets.couplet_task import FAKES
from zoo.found import UNKNOWN
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress
from zoo.runs.schedules import cosine_decay

SEEDS = (1, 2, 3)
EPOCHS = 10
BATCH_SIZE = 64
QUICK_FAKES = ("shuffled",)
QUICK_EXAMPLES = 20_000
NETS = ("gated convolutions", "bag of characters")


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    return EPOCHS if quick else len(FAKES) * len(SEEDS) * EPOCHS


def run(
    folder: pathlib.Path,
    quick: bool,
    progress: Progress,
    data: str | os.PathLike = "tang",
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train on real and altered couplets; compare with a bag of characters.

    The test is on couplets of poems held out, half of them altered, so that
    guessing reaches 0.5. A bag of characters sees no order: of shuffled lines
    it can know nothing.
    """
    figures = {}
    for fake in QUICK_FAKES if quick else FAKES:
        task = datasets.load_real_or_fake(data, fake=fake)
        if quick:
            task = _part_of(task)
        gated = tuple(
            _gated_cnn(task, seed, folder / f"{fake}_{seed}", progress)
            for seed in (SEEDS[:1] if quick else SEEDS)
        )
        for net, values in zip(NETS, (gated, (_bag_of_characters(task),))):
            figures[f"{net}, {fake} lines"] = Figure(values, len(task.x_test))
    path = folder / "couplets.png"
    _draw(figures).savefig(path, dpi=150)
    return figures, [path]


def _part_of(task):
    """As many real as altered couplets, no more than the short form takes."""
    half, kept = len(task.x_train) // 2, QUICK_EXAMPLES // 2
    rows = [*range(half)[:kept], *range(half, 2 * half)[:kept]]
    return task._replace(
        x_train=[task.x_train[row] for row in rows], y_train=task.y_train[rows]
    )


def _gated_cnn(task, seed, folder, progress):
    """Test accuracy after training with smoothing, warm-up and decay."""
    updates = EPOCHS * -(-len(task.x_train) // BATCH_SIZE)
    model = zoo.gated_cnn_classifier(
        vocabulary=vocabulary_of(task.x_train).characters,
        unknown=UNKNOWN,
        learning_rate=cosine_decay(updates, warm_up=0.1),
        loss=LabelCrossentropy(label_smoothing=0.1),
        seed=seed,
    )
    batches = datasets.Batches(
        model.encode_text(task.x_train),
        task.y_train,
        batch_size=BATCH_SIZE,
        seed=seed,
    )
    steps.fit(model, batches, EPOCHS, folder, progress)
    figures = model.evaluate(
        model.encode_text(task.x_test), task.y_test, verbose=0, return_dict=True
    )
    return figures["accuracy"]


def _bag_of_characters(task):
    """Test accuracy of a logistic regression on counts of characters."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        CountVectorizer(analyzer="char"), LogisticRegression(max_iter=1000)
    )
    model.fit(task.x_train, task.y_train)
    return float(model.score(task.x_test, task.y_test))


def _draw(figures):
    fakes = [fake for fake in FAKES if f"{NETS[0]}, {fake} lines" in figures]
    figure = MatplotlibFigure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    for number, net in enumerate(NETS):
        bars = axes.bar(
            [row + 0.4 * number for row in range(len(fakes))],
            [figures[f"{net}, {fake} lines"].mean for fake in fakes],
            width=0.36,
            color=f"C{number}",
            label=net,
        )
        axes.bar_label(bars, fmt="%.3f")
    axes.axhline(0.5, color="0.6", linewidth=0.8)
    axes.set_xticks([row + 0.2 for row in range(len(fakes))], fakes)
    axes.set_ylim(0.4, 1.02)
    axes.set_ylabel("accuracy on held-out poems")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return figure
