"""All pictures that suit a model, drawn into a folder."""

import pathlib

from zoo import plots


def draw(model, folder, images=None, labels=None, history=None, seed=0):
    """Draw every picture that suits a VAE.

    Args:
        model: A VAE of the zoo.
        folder: Where to; made if missing.
        images: Images to encode and reconstruct. Defaults to `None`: only
            pictures that need none.
        labels: Their integer labels. Defaults to `None`.
        history: What `plots.training_curves` takes. Defaults to `None`.
        seed: Integer seed of what is drawn at random. Defaults to 0.

    Returns:
        The paths of the pictures.
    """
    figures = {"samples": plots.samples(model, seed=seed)}
    if model.prior is not None:
        figures["class_samples"] = plots.class_samples(model, seed=seed)
    elif model.latent_dim <= 2:
        figures["manifold"] = plots.manifold(model)
    if images is not None:
        figures["reconstructions"] = plots.reconstructions(model, images)
        figures["latent"] = plots.latent_scatter(
            model, images[:5000], None if labels is None else labels[:5000]
        )
    if history is not None:
        figures["training"] = plots.training_curves(history)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], bbox_inches="tight")
    return paths
