"""kexue.fm 5887: a VAE whose prior is a mixture finds the classes of images."""

import pathlib

from zoo import plots
from zoo.datasets import feeds
from zoo.evaluation import clustering
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

EPOCHS, QUICK_EPOCHS = 30, 6
FORMS = {
    "responsibilities": {"arguments": {}, "seeds": (1, 2, 3), "start": 10},
    "classifier": {
        "arguments": {"classifier": True},
        "seeds": (1,),
        "start": 0,  # its means start by chance, as in the post
    },
}
QUICK_START = 2
SHARES = ("purity", "hungarian")  # of the test examples


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    if quick:
        return QUICK_EPOCHS
    return 2 * EPOCHS * sum(len(seeds) for _, seeds in _forms(quick))


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train both forms on both data sets; judge the clusters of test images."""
    figures, pictures = {}, []
    data_sets = {"mnist": steps.mnist(quick)}
    if not quick:
        data_sets["fashion_mnist"] = "fashion_mnist"
    for name, data in data_sets.items():
        for form, seeds in _forms(quick):
            found = []
            for seed in seeds:
                place = folder / f"{data}_{form}_{seed}"
                model = _trained(place, data, form, seed, quick, progress)
                arrays = feeds.load(model, data)
                clusters = model.predict_clusters(arrays.x_test, 256)
                found.append(clustering(arrays.y_test, clusters))
                if seed == seeds[0]:
                    pictures.append(folder / f"{data}_{form}.png")
                    picture = plots.clusters(model, arrays.x_test)
                    picture.savefig(pictures[-1], bbox_inches="tight")
            for measured in found[0]:
                figures[f"{form}, {name}, {measured}"] = Figure(
                    tuple(one[measured] for one in found),
                    len(arrays.x_test) if measured in SHARES else None,
                )
    return figures, pictures


def _forms(quick):
    """Name and seeds of each form; the short one takes one seed of one."""
    if quick:
        return [("responsibilities", (1,))]
    return [(form, options["seeds"]) for form, options in FORMS.items()]


def _trained(folder, data, form, seed, quick, progress):
    start = FORMS[form]["start"]
    return steps.train(
        folder,
        "cluster_vae",
        data,
        progress,
        seed=seed,
        epochs=QUICK_EPOCHS if quick else EPOCHS,
        mixture_start=min(start, QUICK_START) if quick else start,
        arguments=FORMS[form]["arguments"],
    )
