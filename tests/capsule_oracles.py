"""Capsules once more in plain float64 NumPy, example by example."""

import numpy as np


def squash(x, constant=0.5):
    """‖x‖² / (c + ‖x‖²) · x / ‖x‖ along the last axis."""
    length = norm(x)
    return length**2 / (constant + length**2) * x / length


def norm(x):
    return np.sqrt((np.asarray(x, "float64") ** 2).sum(-1, keepdims=True))


ACTIVATIONS = {
    "squash": squash,
    "tanh_squash": lambda x: np.tanh(norm(x)) * x / norm(x),
    "exponential_squash": lambda x: (1 - np.exp(-norm(x))) * x / norm(x),
    "rational_squash": lambda x: norm(x) / (1 + norm(x)) * x / norm(x),
}


def softmax_over_outputs(logits):
    """Couplings of one example, (inputs, outputs)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def kmeans(votes, routings, temperature=1.0, constant=0.5, mask=None):
    """The loop printed in kexue.fm 5112, squashed at the end."""
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        logits = np.zeros(one.shape[:2])
        for iteration in range(routings):
            coupling = softmax_over_outputs(logits / temperature) * counted
            centre = np.einsum("ij,ijd->jd", coupling, one)
            if iteration < routings - 1:
                logits = np.einsum("ijd,jd->ij", one, centre / norm(centre))
        outputs.append(squash(centre, constant))
    return np.array(outputs)


def hard_kmeans(votes, routings, constant=0.5, mask=None):
    """K-Means by nearest centre (largest cosine), squashed at the end."""
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        inputs, classes, _ = one.shape
        coupling = np.full((inputs, classes), 1 / classes) * counted
        for _ in range(routings - 1):
            centre = np.einsum("ij,ijd->jd", coupling, one)
            empty = norm(centre) == 0
            direction = centre / np.where(empty, 1, norm(centre))
            logits = np.einsum("ijd,jd->ij", one, direction)
            coupling = np.eye(classes)[logits.argmax(1)] * counted
        centre = np.einsum("ij,ijd->jd", coupling, one)
        length = np.where(norm(centre) == 0, 1, norm(centre))
        energy = length**2
        outputs.append(energy / (constant + energy) * centre / length)
    return np.array(outputs)


def agreement(votes, routings, constant=0.5, mask=None):
    """The loop printed in kexue.fm 4819: logits replaced."""
    return _squashing(votes, routings, constant, mask, accumulate=False)


def dynamic(votes, routings, constant=0.5, mask=None):
    """Procedure 1 of Sabour 2017: logits accumulated."""
    return _squashing(votes, routings, constant, mask, accumulate=True)


ROUTINGS = {
    "kmeans": kmeans,
    "agreement": agreement,
    "dynamic": dynamic,
    "hard_kmeans": hard_kmeans,
}


def self_attention(votes, bias=None, mask=None, squash=squash):
    """By the Gram matrix of the votes, as in Mazzia 2021."""
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        gram = np.einsum("ijd,kjd->jik", one, one) / np.sqrt(one.shape[-1])
        logits = np.einsum("jik,k->ij", gram, counted[:, 0])
        coupling = softmax_over_outputs(logits)
        if bias is not None:
            coupling = coupling + bias
        centre = np.einsum("ij,ijd->jd", coupling * counted, one)
        outputs.append(squash(centre))
    return np.array(outputs)


def inverted_attention(votes, routings, gain=1.0, offset=0.0, mask=None):
    """Procedure 1 of Tsai 2020, poses of zero at the start."""
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        pose = np.zeros(one.shape[1:])
        for _ in range(routings):
            logits = np.einsum("ijd,jd->ij", one, pose)
            coupling = softmax_over_outputs(logits / np.sqrt(one.shape[-1]))
            pose = np.einsum("ij,ijd->jd", coupling * counted, one)
            spread = np.sqrt(pose.var(-1, keepdims=True) + 1e-5)
            pose = (pose - pose.mean(-1, keepdims=True)) / spread
            pose = pose * gain + offset
        outputs.append(pose)
    return np.array(outputs)


def self_routing(votes, logits, activations, mask=None):
    """Hahn 2019; the length of a capsule is its activation."""
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        weight = np.asarray(activations[number], "float64")[:, None] * counted
        shared = softmax_over_outputs(logits[number]) * weight
        pose = np.einsum("ij,ijd->jd", shared, one)
        activation = shared.sum(0) / weight.sum()
        outputs.append(activation[:, None] * pose / norm(pose))
    return np.array(outputs)


def layer(routing, inputs, weights, routings=None, constant=0.5, mask=None):
    """A capsule layer without bias of any routing, of its weights in order."""
    kernel, *own = [np.asarray(weight, "float64") for weight in weights]
    voted = votes(inputs, kernel)
    if routing in ROUTINGS:
        return ROUTINGS[routing](
            voted, routings or 3, constant=constant, mask=mask
        )
    if routing == "self_attention":
        return self_attention(
            voted, *own, mask, squash=lambda x: squash(x, constant)
        )
    if routing == "inverted_attention":
        gain, offset, direction, threshold = own
        pose = inverted_attention(voted, routings or 2, gain, offset, mask)
        score = pose @ direction + threshold
        length = np.sqrt((pose**2).sum(-1, keepdims=True) + 1e-4)
        return pose / length / (1 + np.exp(-score))
    assert routing == "self_routing", routing
    kernel, bias = own
    formula = "bia,aj->bij" if kernel.ndim == 2 else "bia,iaj->bij"
    logits = np.einsum(formula, inputs, kernel) + bias
    return self_routing(voted, logits, norm(inputs)[..., 0], mask)


def _squashing(votes, routings, constant, mask, accumulate):
    outputs = []
    for number, one in enumerate(np.asarray(votes, "float64")):
        counted = _counted(one, mask, number)
        logits = np.zeros(one.shape[:2])
        for _ in range(routings):
            coupling = softmax_over_outputs(logits) * counted
            capsule = squash(np.einsum("ij,ijd->jd", coupling, one), constant)
            agreement = np.einsum("ijd,jd->ij", one, capsule)
            logits = logits + agreement if accumulate else agreement
        outputs.append(capsule)
    return np.array(outputs)


def _counted(votes, mask, number):
    if mask is None:
        return np.ones((len(votes), 1))
    return np.asarray(mask[number], "float64")[:, None]


def votes(inputs, kernel, bias=None):
    """û_ij = u_i W_j, or u_i W_ij with a kernel for each input."""
    inputs, kernel = np.asarray(inputs, "float64"), np.asarray(kernel)
    if kernel.ndim == 3:
        made = np.einsum("bia,ajd->bijd", inputs, kernel)
    else:
        made = np.einsum("bia,iajd->bijd", inputs, kernel)
    return made if bias is None else made + np.asarray(bias)


def margin_loss(present, scores, positive=0.9, negative=0.1, weight=0.5):
    """Equation 4 of Sabour 2017 for each example, term by term."""
    losses = []
    for labels, row in zip(present, np.asarray(scores, "float64")):
        total = 0.0
        for label, score in zip(labels, row):
            total += label * max(0, positive - score) ** 2
            total += weight * (1 - label) * max(0, score - negative) ** 2
        losses.append(total)
    return np.array(losses)


def capsule_cnn_scores(weights, images):
    """The net of kexue.fm 4819 in the order of the post."""
    x = np.asarray(images, "float64")
    for number in (1, 2):
        x = _valid_conv(x, *weights[f"conv_{number}"])
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    x = x[:, : 2 * rows, : 2 * columns]
    x = x.reshape(len(x), rows, 2, columns, 2, -1).mean((2, 4))
    for number in (3, 4):
        x = _valid_conv(x, *weights[f"conv_{number}"])
    parts = x.reshape(len(x), -1, x.shape[-1])
    capsules = kmeans(votes(parts, weights["capsules"][0]), 3)
    return norm(capsules)[..., 0]


def _valid_conv(images, kernel, bias):
    side = kernel.shape[0]
    rows, columns = images.shape[1] - side + 1, images.shape[2] - side + 1
    output = np.zeros((len(images), rows, columns, kernel.shape[-1]))
    for i in range(side):
        for j in range(side):
            seen = images[:, i : i + rows, j : j + columns]
            output += np.einsum("bhwi,io->bhwo", seen, kernel[i, j])
    return np.maximum(output + bias, 0)
