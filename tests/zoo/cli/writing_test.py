import numpy as np

from zoo.cli import writing
from zoo.evaluation.tables import Table


def test_archives_take_every_name_of_a_column(tmp_path):
    arrays = {
        "file": np.array(["a.png", "b.png"]),
        "allow_pickle": np.arange(2),
        "µ/z": np.eye(2, dtype="float32"),
        "threshold": np.array(2.5),
    }
    out = tmp_path / "new" / "codes.npz"
    writing.write_table(Table(["file"], [["a.png"], ["b.png"]], arrays), out)
    with np.load(out) as archive:
        assert set(archive) == set(arrays)
        for name, array in arrays.items():
            assert archive[name].dtype == array.dtype
            np.testing.assert_array_equal(archive[name], array)
