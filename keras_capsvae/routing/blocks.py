"""How the votes of a layer are cut into arrays of a size that costs least.

Arrays above 32 MB the C library takes from the system anew each time, which on
a CPU costs more than the sums over them. The layers set the limit for an
example, at the batch sizes that they are mostly trained with. On a GPU there is
no such cost, and starting the sums over many small arrays is what takes time.
"""

from keras_capsvae.private_keras import computes_on_gpu

ON_GPU = 8  # times the limit; more was no faster


def limit_of_device(limit: int) -> int:
    """Numbers that a block may hold here, of those that it may on a CPU."""
    return limit * ON_GPU if computes_on_gpu() else limit


def blocks_of_parents(parents: int, values: int, limit: int) -> list[slice]:
    """Slices of the parents, so that the votes for each fit one block.

    Args:
        parents: How many parents there are.
        values: Numbers that the votes of an example for one parent hold.
        limit: Numbers that a block may hold on a CPU; it holds one parent at
            least.

    Returns:
        List of slices that cover the parents in order.
    """
    size = max(1, limit_of_device(limit) // values)
    return [
        slice(start, min(start + size, parents))
        for start in range(0, parents, size)
    ]
