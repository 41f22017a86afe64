"""The order of the house: who imports whom, read from the sources."""

import ast
import graphlib
import operator
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Each line may import its own line and those above it.
LIBRARY_ORDER = [
    {"typing"},
    {"private_keras"},
    {"validation"},
    {"numerics"},
    {"activations", "divergences", "initializers", "quantization"},
    {"vocabulary", "routing"},
    {"layers"},
    {"latents", "losses", "metrics"},
    {"callbacks"},
    {"models"},
    {"keras_capsvae"},
]
ZOO_ORDER = [
    {"columns", "counting", "data_names", "nearest", "run_files"},
    {"image_changes"},
    {"datasets"},
    {"pretrained"},
    {"cards"},
    {"registry"},
    {"models"},
    {"export", "likelihood"},
    {"zoo"},
    {"evaluation"},
    {"plots"},
    {"options"},
    {"run_options"},
    {"found"},
    {"settings"},
    {"runs"},
    {"reproduce"},
    {"cli"},
    {"__main__"},
]
ORDERS = {"keras_capsvae": LIBRARY_ORDER, "zoo": ZOO_ORDER}
# The folder of private Keras API may reach further, inside its functions.
PRIVATE = "keras_capsvae.private_keras"
# What is fitted once and not trained, scikit-learn fits.
FITTED = "keras_capsvae.latents.fitted"


def _module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    _module_name(path): path
    for package in ("keras_capsvae", "zoo")
    for path in sorted((ROOT / package).rglob("*.py"))
}


def _imports(module, *, top_level_only=False):
    """Dotted names that a file imports, a module of ours by its own name."""
    tree = ast.parse(FILES[module].read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute here"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in FILES else node.module


def _graph(package):
    """Module → modules of the same package that it imports."""
    return {
        module: {name for name in _imports(module) if name in FILES} - {module}
        for module in FILES
        if module.split(".")[0] == package
    }


def _place(module):
    """The part of its package, a file or a folder, that a module is in."""
    return module.split(".")[1] if "." in module else module


def _arrows_up(package, order):
    heights = {
        name: height for height, line in enumerate(order) for name in line
    }
    return [
        f"{module} → {imported}"
        for module, imports in _graph(package).items()
        for imported in imports
        if imported.split(".")[0] == package
        and heights[_place(imported)] > heights[_place(module)]
    ]


@pytest.mark.parametrize("package", ["keras_capsvae", "zoo"])
def test_no_circle_between_files(package):
    graphlib.TopologicalSorter(_graph(package)).prepare()


@pytest.mark.parametrize("package", ["keras_capsvae", "zoo"])
def test_no_arrow_back_up(package):
    order = ORDERS[package]
    places = {_place(name) for name in FILES if name.split(".")[0] == package}
    assert places <= set.union(*order), "a new part needs its place above"
    assert not _arrows_up(package, order)


def test_the_library_imports_keras_and_numpy_alone():
    allowed = {"keras", "numpy", "keras_capsvae", *sys.stdlib_module_names}
    for module in FILES:
        if module.split(".")[0] == "keras_capsvae":
            imports = _imports(
                module, top_level_only=module.startswith((PRIVATE, FITTED))
            )
            roots = {name.split(".")[0] for name in imports}
            assert roots <= allowed, module


@pytest.mark.thorough
def test_import_zoo_brings_nothing_but_itself_and_keras():
    program = """
import sys, keras
before = set(sys.modules)
import zoo
print(*{name.split(".")[0] for name in {*sys.modules} - before})
for name in ("datasets", "evaluation", "likelihood", "plots", "runs"):
    assert name in dir(zoo), name
    assert getattr(zoo, name).__name__ == f"zoo.{name}"
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    new = set(done.stdout.split())
    assert new <= {"zoo", "keras_capsvae", *sys.stdlib_module_names}


def test_an_unknown_name_of_the_zoo_is_an_attribute_error():
    import zoo

    with pytest.raises(AttributeError, match="no attribute 'dens_vae'"):
        operator.attrgetter("dens_vae")(zoo)
