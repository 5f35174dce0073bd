"""The house as a newcomer meets it: light to import, honest about what is public, in files of one subject."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

import nextlabel
from nextlabel.errors import NextlabelError

ROOT = Path(nextlabel.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(ROOT)], "nextlabel.")
    if module.name != "nextlabel.__main__"  # runs the command line
)
HEAVY = ("torch", "sklearn", "scipy", "numba", "matplotlib", "pandas", "typer", "rich")
LONGEST = 400
REASON = "lines:"  # a longer file says why in its docstring, in a sentence with this word


def imported(statement: str) -> set[str]:
    """The roots of the modules that a new process has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_nextlabel_loads_no_library_at_all() -> None:
    assert not imported("import nextlabel") & {*HEAVY, "numpy"}


def test_the_names_of_the_first_five_minutes_load_no_heavy_library() -> None:
    statement = "import nextlabel; [getattr(nextlabel, name) for name in nextlabel.__all__]"
    assert not imported(statement) & set(HEAVY)


def test_a_small_selection_needs_numpy_alone() -> None:
    statement = (
        "from nextlabel import select\n"
        "for name in ('badge', 'margin', 'entropy', 'random'):\n"
        "    select(name, proba=[[0.5, 0.5], [0.9, 0.1]], embedding=[[0.0], [1.0]], batch=1, seed=0)"
    )
    assert not imported(statement) & set(HEAVY)


def test_the_help_of_the_command_line_loads_no_model_library() -> None:
    statement = "import nextlabel.cli.main"
    assert not imported(statement) & {"torch", "sklearn", "scipy", "numba", "matplotlib", "pandas"}


def test_the_public_names_are_listed_loaded_and_sorted() -> None:
    assert nextlabel.__all__ == sorted(nextlabel.__all__)
    for name in nextlabel.__all__:
        assert getattr(nextlabel, name).__name__ == name
    assert set(dir(nextlabel)) == {*nextlabel.__all__, "__version__"}
    with pytest.raises(AttributeError, match="module 'nextlabel' has no attribute 'selec'"):
        nextlabel.selec  # noqa: B018


def place(name: str) -> tuple[bool, bool, str]:
    """Where a name stands in a list: constants, then classes, then the rest, as the formatter sorts them."""
    return not name.isupper(), not name[0].isupper(), name


def room(name: str) -> str:
    """The first two names of a module: a test for each room, not for each of its files."""
    return ".".join(name.split(".")[:2])


ROOMS = sorted({room(name) for name in MODULES})


@pytest.fixture(params=ROOMS)
def modules(request: pytest.FixtureRequest) -> list[ModuleType]:
    """All files of a room, imported."""
    return [import_module(name) for name in MODULES if room(name) == request.param]


def test_what_is_public_is_listed_and_sorted(modules: list[ModuleType]) -> None:
    for module in modules:
        listed = getattr(module, "__all__", [])
        assert listed == sorted(listed, key=place), module.__name__
        assert module.__doc__, module.__name__
        if not hasattr(module, "__path__"):  # the folder of a room holds files, and no names of its own
            assert listed, f"{module.__name__} has no __all__"
        for public in listed:
            assert not public.startswith("_"), (module.__name__, public)
            assert hasattr(module, public), (module.__name__, public)


@cache
def source(module: ModuleType) -> ast.Module:
    return ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))


def defined(tree: ast.Module) -> set[str]:
    """The names that a file makes at its top: functions, classes and constants."""
    made = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            made |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return made


def test_a_name_without_underscore_is_listed(modules: list[ModuleType]) -> None:
    for module in modules:
        public = {made for made in defined(source(module)) if not made.startswith("_")}
        variables = {made for made in public if isinstance(getattr(module, made), TypeVar)}  # of one letter
        assert public - variables <= set(module.__all__ if public else []), module.__name__


def test_what_is_imported_from_another_file_is_listed_there(modules: list[ModuleType]) -> None:
    for module in modules:
        for node in ast.walk(source(module)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "nextlabel":
                there = import_module(node.module or "")
                wanted = {one.name for one in node.names if f"{node.module}.{one.name}" not in MODULES}
                listed = set(getattr(there, "__all__", []))
                assert wanted - {"__version__"} <= listed, (module.__name__, node.module)


def own(module: ModuleType) -> list[type]:
    found = [one for one in vars(module).values() if inspect.isclass(one)]
    return [one for one in found if one.__module__ == module.__name__]


def test_classes_are_abstract_or_final(modules: list[ModuleType]) -> None:
    for made in (one for module in modules for one in own(module)):
        kinds = (
            inspect.isabstract(made),
            getattr(made, "__final__", False),
            getattr(made, "_is_protocol", False),
            issubclass(made, NextlabelError),
        )
        assert any(kinds), f"{made.__module__}.{made.__name__} can be subclassed: mark it @final"


def test_no_function_rebinds_a_global(modules: list[ModuleType]) -> None:
    for module in modules:
        assert not [node for node in ast.walk(source(module)) if isinstance(node, ast.Global)], (
            module.__name__
        )


def test_files_have_one_subject() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        long = len(text.splitlines())
        is_told = long <= LONGEST or REASON in (ast.get_docstring(ast.parse(text)) or "")
        assert is_told, f"{path.relative_to(ROOT)}: {long} lines"
