"""Checks of arguments and data, in one place and one phrasing.

`arguments` and `numbers` check what is given beside data, `shapes` and
`inputs` say what a model takes, `capsules` and `memory` what a layer can take.
`arrays` checks one array, `labels` classes in their forms, `columns` and
`frames` tables; `forms` takes what Keras takes for x, y and weights, `streams`
batches that come one by one.
"""
