"""Run the code of a documentation page, and compare what it prints with what the page shows.

    python docs/run.py docs/tutorial.md

With ``--serve`` it reads the paths of pages from its input, a line each, and answers each with a line of
JSON: the exit code and what was said. Libraries are then loaded once for all of them.

The blocks of a page run in order, in a temporary folder. What a block is, its first line says:

- ``python``: executed; the names stay for the blocks below.
- ``python file=NAME``: written to the file NAME, which the blocks below can import; ``toml`` likewise.
- ``diff file=NAME``: applied to the file NAME; the lines without a sign must be in it once.
- ``console``: the lines with a ``$`` are executed; what is shown below each must be what it prints.
- ``console shown``: not executed, since it takes long or fetches from a network; the commands and
  options of nextlabel and the targets of make in it must exist.
- ``output``: what the block above it prints.
- anything else: text.

Three dots stand for anything, and a number after ≈ may be off by 0.05: a model's last digits differ between
machines. A page that writes to ``src`` or ``tests`` runs in a copy of the repository's
sources and contract tests. On Linux a command of nextlabel is run by a fork, so that it need not load again
what its page has loaded; elsewhere, and in such a copy, Python is started for it.
"""

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
ABOUT, NEAR = re.compile(r"≈([0-9.]+)"), 0.05
COPIED = ("src", "tests/contracts", "tests/conftest.py", "pyproject.toml")
CAN_FORK = sys.platform == "linux"  # where it is safe with libraries that have been loaded
USUAL = ("nextlabel.cli.app", "sklearn.linear_model", "scipy.stats", "matplotlib.figure")
OF_NETWORKS = ("torch", "torch._dynamo")  # the second is what the first optimiser of a process loads


class Stale(Exception):
    """What the page shows is not what happens."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its words, its text, and the line where it begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self) -> str:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), "")


def blocks(page: str) -> list[Block]:
    found = []
    for fence in re.finditer(r"^```(\S+)([^\n]*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        language, words, text = fence.groups()
        found.append(Block(language, tuple(words.split()), text, page[: fence.start()].count("\n") + 1))
    return found


def run(page: Path) -> None:
    """Run the blocks of a page; raises `Stale` with the line of the first one that does not hold."""
    found = blocks(page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if is_copied(found):
            copy_sources(folder)
        sys.path[:0] = [str(folder), str(folder / "src")]
        names: dict[str, object] = {"__name__": "__main__"}
        here = Path.cwd()
        os.chdir(folder)
        try:
            for block, below in zip(found, [*found, None][1:], strict=True):
                try:
                    perform(block, below, folder, names)
                except Exception as cause:
                    raise Stale(f"{page}:{block.line}: {cause}") from cause
        finally:
            os.chdir(here)
            del sys.path[:2]


def is_copied(found: list[Block]) -> bool:
    """Whether the page needs a copy of the sources, since it writes to them."""
    return any(block.file.startswith(("src/", "tests/")) for block in found)


def copy_sources(folder: Path) -> None:
    for name in COPIED:
        source, there = ROOT / name, folder / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, there, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, there)


def perform(block: Block, below: Block | None, folder: Path, names: dict[str, object]) -> None:
    shown = below.text if below is not None and below.language == "output" else ""
    if block.language == "diff" and block.file:
        patch(folder / block.file, block.text)
    elif block.language in ("python", "toml") and block.file:
        (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.file).write_text(block.text, encoding="utf-8")
    elif block.language == "python":
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block.text, f"line {block.line}", "exec"), names)
        compare(shown, said.getvalue())
    elif block.language == "console":
        for command, expected in commands(block.text):
            check_exists(command) if "shown" in block.words else compare(expected, printed(command, folder))


def patch(file: Path, text: str) -> None:
    lines = text.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    before = file.read_text(encoding="utf-8")
    if before.count(old) != 1:
        message = f"the lines without a sign are {before.count(old)} times in {file.name}:\n{old}"
        raise Stale(message)
    file.write_text(before.replace(old, new), encoding="utf-8")


def commands(text: str) -> list[tuple[str, str]]:
    """Each command of a console block, and what is shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def printed(command: str, folder: Path) -> str:
    words = shlex.split(command)
    environment = {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "COLUMNS": "110"}
    if words[0] == "nextlabel" and CAN_FORK and not (folder / "src" / "nextlabel").is_dir():
        code, said = forked(lambda: nextlabel(words, folder, environment))
    else:
        if words[0] == "nextlabel":
            words[:1] = ["python", "-m", "nextlabel"]
        if words[0] == "python":
            words[0] = sys.executable
        done = subprocess.run(
            words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        code, said = done.returncode, done.stdout + done.stderr
    if code:
        raise Stale(f"{command!r} ended with {code}:\n{said}")
    return said


def nextlabel(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    """The command line, in a process that may have loaded modules of the page: those are loaded anew."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = words
    from nextlabel.cli.main import main as run_command

    run_command()


def forked(call: Callable[[], object]) -> tuple[int, str]:
    """The exit code of a fork of this process that makes the call, and what it says."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()  # or both would write what waits
        process = os.fork()
        if not process:
            answer(call, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        for file in (out, err):
            file.seek(0)
        return code, (out.read() + err.read()).decode()


def answer(call: Callable[[], object], out: int, err: int) -> NoReturn:
    """What the fork does: make the call, and end without anything that is the affair of its parent."""
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = (open(one, "w", encoding="utf-8", closefd=False) for one in (1, 2))  # noqa: SIM115
    code = 1
    try:
        call()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def check_exists(command: str) -> None:
    """A command that is not executed names targets and options that exist."""
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
    elif words[0] == "nextlabel":
        said = printed(f"nextlabel {words[1]} --help", ROOT)
        unknown = [word for word in words[2:] if word.startswith("--") and word not in said]
    else:
        unknown = [] if words[0] in ("git", "cd", "pip", "python3", "source") else words[:1]
    if unknown:
        raise Stale(f"{command!r}: there is no {', '.join(unknown)}")


def compare(shown: str, said: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    numbers, printed_numbers = (list(map(float, ABOUT.findall(text))) for text in (shown, said))
    near = len(numbers) == len(printed_numbers) and all(
        abs(one - other) <= NEAR for one, other in zip(numbers, printed_numbers, strict=True)
    )
    same = doctest.OutputChecker().check_output(ABOUT.sub("≈", shown), ABOUT.sub("≈", said), flags)
    if shown and not (near and same):
        raise Stale(f"shown:\n{shown}\nprinted:\n{said}")


def serve() -> None:
    """Answer a line of input, the path of a page, with a line of output, until the input ends."""
    for line in sys.stdin:
        page = Path(line.strip())
        text = page.read_text(encoding="utf-8")
        if CAN_FORK and not is_copied(blocks(text)):
            for module in (*USUAL, *(OF_NETWORKS if "torch" in text or "leakage" in text else ())):
                with contextlib.suppress(ImportError):  # an extra that is not there
                    import_module(module)
            code, said = forked(partial(run_one, page))
        else:
            done = subprocess.run(
                [sys.executable, __file__, str(page)], capture_output=True, text=True, check=False
            )
            code, said = done.returncode, done.stdout + done.stderr
        print(json.dumps([code, said]), flush=True)


def run_one(page: Path) -> NoReturn:
    sys.exit(main([str(page)]))


def main(pages: list[str]) -> int:
    if pages == ["--serve"]:
        serve()
        return 0
    for page in pages:
        try:
            run(Path(page))
        except Stale as stale:
            print(stale)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
