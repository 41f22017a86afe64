"""Checks of arguments and data, in one place and one phrasing.

`numbers` checks sizes and factors, `arrays` one array, `labels` classes in
their forms, `forms` takes what Keras takes for x, y and weights, `streams`
batches that come one by one.
"""
