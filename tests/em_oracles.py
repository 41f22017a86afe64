"""EM routing once more, in plain float64 NumPy, pair by pair."""

import numpy as np


def em_routing(
    votes,
    activations,
    beta_a,
    beta_u,
    routings=3,
    final_lambda=0.01,
    epsilon=1e-6,
    mass_scale=1.0,
):
    """Votes (batch, n, k, h) → means (batch, k, h), activations (batch, k)."""
    everything = [
        em_of_pairs(
            votes=np.asarray(one, "float64").reshape(-1, np.shape(one)[-1]),
            child=np.repeat(np.arange(one.shape[0]), one.shape[1]),
            parent=np.tile(np.arange(one.shape[1]), one.shape[0]),
            activations=active,
            beta_a=beta_a,
            beta_u=beta_u,
            routings=routings,
            final_lambda=final_lambda,
            epsilon=epsilon,
            mass_scale=mass_scale,
        )
        for one, active in zip(np.asarray(votes), np.asarray(activations))
    ]
    means, active = zip(*everything)
    return np.array(means), np.array(active)


def em_of_pairs(
    votes,
    child,
    parent,
    activations,
    beta_a,
    beta_u,
    routings,
    final_lambda,
    epsilon,
    mass_scale,
):
    """EM of one example from the list of its (child, parent) pairs.

    Args:
        votes: Array (pairs, h).
        child, parent: Integer arrays (pairs,).
        activations: Array (children,).
        beta_a, beta_u: Arrays (parents,).
    """
    votes = np.asarray(votes, "float64")
    activations = np.asarray(activations, "float64")
    beta_a = np.asarray(beta_a, "float64")
    beta_u = np.asarray(beta_u, "float64")
    parents = len(beta_a)

    def by_parent(values):
        total = np.zeros((parents, *values.shape[1:]))
        np.add.at(total, parent, values)
        return total

    reached = np.bincount(child, minlength=len(activations))
    share = 1 / reached[child]
    for t in range(routings):
        weight = share * activations[child]
        mass = by_parent(weight) + epsilon
        mean = by_parent(weight[:, None] * votes) / mass[:, None]
        deviation = (votes - mean[parent]) ** 2
        variance = by_parent(weight[:, None] * deviation) / mass[:, None]
        variance += epsilon
        cost = (beta_u[:, None] + 0.5 * np.log(variance)) * mass[:, None]
        lambda_t = final_lambda * (1 - 0.95 ** (t + 1))
        logit = lambda_t * (beta_a - mass_scale * cost.sum(-1))
        active = 1 / (1 + np.exp(-logit))
        if t < routings - 1:
            log_density = -0.5 * (
                deviation / variance[parent]
                + np.log(2 * np.pi * variance[parent])
            ).sum(-1)
            score = np.log(active[parent]) + log_density
            share = np.empty(len(score))
            for i in range(len(activations)):
                own = score[child == i]
                if len(own):
                    likely = np.exp(own - own.max())
                    share[child == i] = likely / likely.sum()
    return mean, active


def conv_pairs(poses, activations, kernel, strides):
    """Every (child, parent) pair of one example of a convolutional layer.

    Args:
        poses: Array (height, width, n, p, p).
        activations: Array (height, width, n).
        kernel: Array (rows, columns, n, k, p, p).
        strides: Pair.

    Returns:
        Votes (pairs, p·p), the child and parent of each pair, the activations
        (height·width·n,), and the parents' shape (rows, columns, k).
    """
    height, width, types = activations.shape
    side_y, side_x, _, parents, _, _ = kernel.shape
    rows = (height - side_y) // strides[0] + 1
    columns = (width - side_x) // strides[1] + 1
    votes, child, parent = [], [], []
    for row, column, j in np.ndindex(rows, columns, parents):
        for dy, dx, i in np.ndindex(side_y, side_x, types):
            y, x = row * strides[0] + dy, column * strides[1] + dx
            votes.append((poses[y, x, i] @ kernel[dy, dx, i, j]).ravel())
            child.append((y * width + x) * types + i)
            parent.append((row * columns + column) * parents + j)
    return (
        np.array(votes),
        np.array(child),
        np.array(parent),
        activations.ravel(),
        (rows, columns, parents),
    )


def class_pairs(poses, activations, kernel):
    """The same of a class layer, kernel (n, classes, p, p)."""
    height, width, types = activations.shape
    _, classes, _, _ = kernel.shape
    votes, child, parent = [], [], []
    for y, x, i, j in np.ndindex(height, width, types, classes):
        vote = poses[y, x, i] @ kernel[i, j]
        vote[0, -1] += (y + 0.5) / height
        vote[1, -1] += (x + 0.5) / width
        votes.append(vote.ravel())
        child.append((y * width + x) * types + i)
        parent.append(j)
    return (
        np.array(votes),
        np.array(child),
        np.array(parent),
        activations.ravel(),
        (classes,),
    )


def routed(pairs, beta_a, beta_u, **settings):
    """`em_of_pairs` of such pairs, β (k,): poses and activations in shape."""
    votes, child, parent, activations, shape = pairs
    repeats = int(np.prod(shape[:-1]))
    means, active = em_of_pairs(
        votes,
        child,
        parent,
        activations,
        np.tile(beta_a, repeats),
        np.tile(beta_u, repeats),
        **settings,
    )
    p = round(votes.shape[-1] ** 0.5)
    return means.reshape(*shape, p, p), active.reshape(shape)
