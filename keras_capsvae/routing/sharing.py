"""How a child shares itself out among its parents."""

from keras import ops

PARENTS = 0  # the axis of the parents in every array of EM routing


class AllParents:
    """The rule by which a child shares itself out: among all parents alike.

    Another rule has the same three methods.
    """

    def initial(self, shape, dtype):
        """Shares at the start, `shape` (parents, groups, children)."""
        return ops.full(shape, 1.0 / shape[PARENTS], dtype)

    def of_scores(self, scores):
        """Log scores `(parents, groups, children)` → shares that sum to 1."""
        top = ops.max(scores, PARENTS, keepdims=True)
        likely = ops.exp(scores - top)
        return likely * (1 / ops.sum(likely, PARENTS, keepdims=True))

    def total(self, values):
        """Sum `(groups, children)` over all places at which a child stands."""
        return values
