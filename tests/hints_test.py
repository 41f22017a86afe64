"""Every public function, method and constructor has type hints."""

import ast
import pathlib

ROOT = pathlib.Path(__file__).parents[1]


def _public_functions(body):
    for node in body:
        name = getattr(node, "name", "_")
        private = name.startswith("_") and name != "__init__"
        if isinstance(node, ast.ClassDef) and not private:
            yield from _public_functions(node.body)
        elif isinstance(node, ast.FunctionDef) and not private:
            yield node


def _lacks_hints(function):
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [one for one in (given.vararg, given.kwarg) if one]
    named = [one for one in arguments if one.arg not in ("self", "cls")]
    if any(one.annotation is None for one in named):
        return True
    return function.returns is None and function.name != "__init__"


def test_public_functions_have_hints():
    lacking = {}
    for path in [
        *ROOT.glob("keras_capsvae/**/*.py"),
        *ROOT.glob("zoo/**/*.py"),
    ]:
        functions = _public_functions(ast.parse(path.read_text()).body)
        names = [one.name for one in functions if _lacks_hints(one)]
        file = path.relative_to(ROOT).as_posix()
        if names:
            lacking[file] = names
    assert not lacking
