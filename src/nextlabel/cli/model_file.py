"""A model that somebody names on the command line as ``file.py:function``."""

import re
from pathlib import Path
from typing import Any

__all__ = ["made_model"]

_WRITTEN = re.compile(r"(?P<file>.+\.py):(?P<function>\w+)")


def made_model(written: str) -> Any:
    """What a function of somebody's file returns, called without arguments.

    Parameters
    ----------
    written : str
        ``file.py:function``. The file is imported, with its folder in the path as Python has it for a script.

    Returns
    -------
    torch.nn.Module
        Whatever the function returns that has parameters with names.

    Raises
    ------
    ParameterError
        No such file or function, one that fails, or one that returns something else.
    """
    from nextlabel.errors import NextlabelError, ParameterError

    found = _WRITTEN.fullmatch(written)
    if found is None:
        message = (
            "The model is named as a function of a Python file that takes no arguments and returns a "
            f"torch.nn.Module; received {written!r}. Write for example model.py:make_model."
        )
        raise ParameterError(message)
    path, function = Path(found["file"]), found["function"]
    if not path.is_file():
        message = f"{path} must be a Python file with the function {function}; there is no such file."
        raise ParameterError(f"{message} Give its path from here.")
    try:
        made = _function(path, function)()
    except NextlabelError:
        raise
    except Exception as cause:  # somebody's file may raise anything
        message = (
            f"{written} must return a torch.nn.Module when called without arguments; it raised "
            f"{type(cause).__name__}: {cause}. Repair the file; its imports are looked for beside it."
        )
        raise ParameterError(message) from cause
    if not callable(getattr(made, "named_parameters", None)):
        message = (
            f"{written} must return a torch.nn.Module; it returned {type(made).__name__}. Return the model "
            "with the weights at which messages are made, in evaluation mode."
        )
        raise ParameterError(message)
    return made


def _function(path: Path, function: str) -> Any:
    import sys
    from importlib.util import module_from_spec, spec_from_file_location

    from nextlabel.errors import ParameterError

    place = spec_from_file_location("nextlabel_model_file", path)
    assert place is not None
    assert place.loader is not None
    module = module_from_spec(place)
    sys.modules[place.name] = module  # pickles and dataclasses look a class up by its module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        place.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    made = getattr(module, function, None)
    if not callable(made):
        there = ", ".join(name for name, one in vars(module).items() if callable(one) and name[0] != "_")
        message = f"{path} must define the function {function}; it does not. It has: {there or 'none'}."
        raise ParameterError(f"{message} Name one of these.")
    return made
