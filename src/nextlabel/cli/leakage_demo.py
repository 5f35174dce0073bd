"""``nextlabel leakage demo``: what three messages give away of digits and photographs, and one sweep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from nextlabel.core.disclosure import Array
    from nextlabel.leakage.report.report import Report

__all__ = ["SCENES", "Scene", "crops", "demonstrate", "index_page"]

_MODELS, _CROPS = "models.py", "crops.npz"
_SIDE, _CLASSES = 32, 10


@final
@dataclass(frozen=True)
class Scene:
    """One report of the demonstration.

    Parameters
    ----------
    name : str
        Of its folder.
    title : str
        What is shared, and of what.
    function : str
        Of the file of models.
    data : str
        A data set, or a file in the folder of the demonstration.
    options : mapping of str to object
        As `nextlabel.leakage.audit` takes them, beyond the data.
    swept : tuple of str
        Defences to sweep over.
    epochs : int
        Of the trainings of a sweep.
    evaluations : int
        Of each start of an attack of a sweep.
    """

    name: str
    title: str
    function: str
    data: str
    options: dict[str, Any] = field(default_factory=dict)
    swept: tuple[str, ...] = ()
    epochs: int = 1
    evaluations: int = 100

    def command(self, seed: int) -> str:
        """What makes this report again, in the folder of the demonstration."""
        import shlex

        words = ["nextlabel", "leakage", "audit", f"{_MODELS}:{self.function}", "--data", self.data]
        given = {**self.options, "seed": seed}
        if self.swept:
            given |= {"sweep": ",".join(self.swept), "epochs": self.epochs, "evaluations": self.evaluations}
        for option, value in given.items():
            words += [f"--{option}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
        return shlex.join([*words, "--out", self.name])


SCENES = (
    Scene(
        "photographs",
        "A gradient of the deep-leakage network, one crop of a photograph at a time",
        "photographs",
        _CROPS,
        {"seconds": 120.0, "records": 4, "bounds": (0.0, 1.0)},
    ),
    Scene(
        "embeddings",
        "Gradient embeddings, as BADGE would receive them, of a trained perceptron on digits",
        "trained_digits",
        "digits",
        {"share": "embedding", "seconds": 10.0},
    ),
    Scene(
        "digits",
        "A gradient of a perceptron, one digit at a time, and what defences do about it",
        "digits",
        "digits",
        {"seconds": 300.0, "attacks": ("label_inference", "fully_connected", "gradient_matching")},
        (
            "gaussian:1e-2",
            "gaussian:1e-1",
            "gaussian:1",
            "prune:30%",
            "prune:90%",
            "prune:99%",
            "batch:8",
        ),
        evaluations=30,  # enough for this network, and a few seconds; the time above is for a busy machine
    ),
)
"""What is shown, in this order."""


def demonstrate(folder: Path, seed: int = 0) -> None:
    """Run the demonstration, and say where its pages are; exit code 1 where a control failed.

    Parameters
    ----------
    folder : Path
        For a folder with each report, the models, the crops and a page that leads to all.
    seed : int
    """
    import os

    import typer
    from rich.console import Console

    from nextlabel.cli.audited import read_audited
    from nextlabel.cli.leakage import made_report, said, watched
    from nextlabel.cli.model_file import made_model

    console = Console(markup=False, highlight=False)
    _prepare(folder)
    made: list[tuple[Scene, Report]] = []
    for scene in SCENES:
        console.print(f"\n{scene.title}.", soft_wrap=True)
        data = str(folder / scene.data) if (folder / scene.data).exists() else scene.data
        found = read_audited(data, None, seed=seed)
        with watched(console):
            model = made_model(os.fspath(folder / f"{_MODELS}:{scene.function}"))
            options = {"share": "full", "seed": seed, **scene.options}
            report = made_report(
                model,
                found,
                options,
                swept=scene.swept,
                epochs=scene.epochs,
                evaluations=scene.evaluations,
                command=scene.command(seed),
            )
        said(console, report)
        report.write(folder / scene.name)
        made.append((scene, report))
    page = folder / "index.html"
    page.write_text(index_page(made, seed, folder), encoding="utf-8")
    console.print(f"The page that leads to all: {page}", soft_wrap=True)
    console.print(f"Change the models in {folder / _MODELS} and run the commands on that page in {folder}.")
    if any(report.is_void for _, report in made):
        raise typer.Exit(1)


def crops(count: int = 10) -> "tuple[Array, Array]":
    """Crops of the two photographs bundled with scikit-learn, and a class for each by its place.

    Parameters
    ----------
    count : int
        Of each photograph.

    Returns
    -------
    array of float32, axes (2·count, 32, 32, 3), and array of int64, axes (2·count,)
        From 0 to 1, each a square of 128 pixels averaged over four by four.
    """
    import numpy as np
    from sklearn.datasets import load_sample_images

    found = []
    for image in load_sample_images().images:
        pixels = np.asarray(image, np.float32) / np.float32(255)
        for place in range(count):
            row, column = 128 * (place % 3) + 20, 100 * (place // 3) + 60
            square = pixels[row : row + 4 * _SIDE, column : column + 4 * _SIDE]
            found.append(square.reshape(_SIDE, 4, _SIDE, 4, 3).mean((1, 3)))
    return np.stack(found), np.arange(len(found)) % _CLASSES


def index_page(made: "Sequence[tuple[Scene, Report]]", seed: int, folder: Path) -> str:
    """The page that leads to every report of the demonstration.

    Parameters
    ----------
    made : sequence of (Scene, Report)
    seed : int
    folder : Path
        Of the demonstration.

    Returns
    -------
    str
        HTML.
    """
    import shlex

    from nextlabel.figures.page import Section, Terms, long_page

    sections = [
        Section(
            scene.title,
            [*report.sentences()[:2], Terms({"Again, in this folder": scene.command(seed)})],
        )
        for scene, report in made
    ]
    return long_page(
        title="What three messages give away",
        lead="Each report attacks one kind of message that a model might share. A verdict speaks of these "
        "models, these records and these attacks; NOT SHOWN is never a proof.",
        sections=sections,
        command=shlex.join(["nextlabel", "leakage", "demo", "--seed", str(seed), "--out", str(folder)]),
        files=[f"{scene.name}/report.html" for scene, _ in made] + [_MODELS, _CROPS],
    )


def _prepare(folder: Path) -> None:
    from importlib.util import find_spec

    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    place = find_spec("nextlabel.leakage.demonstration")
    assert place is not None
    assert place.origin is not None
    (folder / _MODELS).write_text(Path(place.origin).read_text(encoding="utf-8"), encoding="utf-8")
    items, labels = crops()
    np.savez_compressed(folder / _CROPS, items=items, labels=labels)
