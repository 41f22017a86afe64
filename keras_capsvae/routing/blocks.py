"""How the votes of a layer are cut into arrays of a size that costs least.

Arrays above 32 MB the C library takes from the system anew each time, which on
a CPU costs more than the sums over them. The layers set the limit for an
example, at the batch sizes that they are mostly trained with.
"""


def blocks_of_parents(parents: int, values: int, limit: int) -> list[slice]:
    """Slices of the parents, so that the votes for each fit one block.

    Args:
        parents: How many parents there are.
        values: Numbers that the votes of an example for one parent hold.
        limit: Numbers that a block may hold; it holds one parent at least.

    Returns:
        List of slices that cover the parents in order.
    """
    size = max(1, limit // values)
    return [
        slice(start, min(start + size, parents))
        for start in range(0, parents, size)
    ]
