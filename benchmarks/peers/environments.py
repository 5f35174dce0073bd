"""One environment for each peer: made once from exact versions, then used again."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).parent / "pins"
MINUTES = 20.0


@dataclass(frozen=True)
class Peer:
    """One library. package: as pip knows it; adapter: the file in adapters/."""

    package: str

    @property
    def adapter(self) -> str:
        return {"modAL-python": "modal"}.get(self.package, self.package.replace("-", "_"))

    @property
    def pins(self) -> Path:
        return PINS / f"{self.package}.txt"


PEERS = tuple(
    Peer(package) for package in ("scikit-activeml", "small-text", "baal", "modAL-python", "batchbald-redux")
)


class NotInstalled(RuntimeError):
    """An environment could not be made; says why."""


def default_folder() -> Path:
    """Where environments are kept, unless said otherwise; never the repository."""
    kept = os.environ.get("NEXTLABEL_PEERS")
    return Path(kept) if kept else Path(tempfile.gettempdir()) / "nextlabel-peers"


def made(package: str, folder: Path) -> Path:
    """The Python of an environment that holds the pinned versions and nextlabel as it stands here.

    Pins are complete, so nothing is resolved. torch comes first and with what it needs itself, which is
    not the same everywhere.
    """
    pins = PINS / f"{package}.txt"
    home = folder / package
    python = home / "bin" / "python"
    done = home / "pins.txt"
    if not (done.exists() and done.read_text("utf-8") == pins.read_text("utf-8")):
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        torch = [line for line in pins.read_text("utf-8").splitlines() if line.startswith("torch==")]
        if torch:
            _run([str(python), "-m", "pip", "install", "--quiet", "--constraint", str(pins), *torch])
        _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(pins)])
        done.write_text(pins.read_text("utf-8"), encoding="utf-8")
    nextlabel = ["--no-deps", "--force-reinstall", str(ROOT)]
    _run([str(python), "-m", "pip", "install", "--quiet", *nextlabel])
    return python


def run(python: Path, *arguments: str) -> None:
    """A module of ours in an environment, one thread; an error where it fails."""
    single = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    subprocess.run([str(python), "-m", *arguments], cwd=ROOT, env=os.environ | single, check=True)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60.0 * MINUTES)
    except subprocess.CalledProcessError as error:
        said = [
            line for line in error.stderr.splitlines() if line.startswith("ERROR")
        ] or error.stderr.splitlines()
        raise NotInstalled(said[-1] if said else f"{command[:4]} ended with {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"it took more than {MINUTES:g} minutes") from error
