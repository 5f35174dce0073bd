"""The same call in another process, where strings hash differently."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from nextlabel.errors import BrokenPromise

__all__ = ["elsewhere"]


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call, made in a new process with another hash seed.

    Parameters
    ----------
    function : callable
        A function of an importable module.
    *arguments
        Anything that can be pickled, classes too. The modules of their classes may lie outside the path:
        they are then loaded from their files.

    Returns
    -------
    object
        What the function returned there.

    Raises
    ------
    BrokenPromise
        The other process failed; the message holds its standard error.

    Notes
    -----
    Costs the start of a Python process and the imports of the function's module.

    Examples
    --------
    >>> elsewhere(max, 1, 2)
    2
    """
    modules = {(one if isinstance(one, type) else type(one)).__module__ for one in arguments}
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in modules}
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    child = subprocess.run(
        [sys.executable, "-c", "from nextlabel.testing.processes import _answer; _answer()"],
        input=pickle.dumps((files, pickle.dumps((function, arguments)))),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed},
        capture_output=True,
        check=False,
    )
    if child.returncode:
        raise BrokenPromise(f"another process failed: {child.stderr.decode(errors='replace')}")
    return pickle.loads(child.stdout)


def _answer() -> None:
    """What the other process runs."""
    files, call = pickle.load(sys.stdin.buffer)
    for name, file in files.items():
        try:
            import_module(name)
        except ModuleNotFoundError:  # a file that is not on the path: a test, a script
            spec = spec_from_file_location(name, file)
            if spec is None or spec.loader is None:
                raise
            sys.modules[name] = module = module_from_spec(spec)
            spec.loader.exec_module(module)
    function, arguments = pickle.loads(call)
    sys.stdout.buffer.write(pickle.dumps(function(*arguments)))
