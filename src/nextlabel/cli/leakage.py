"""``nextlabel leakage``: attack the messages that a model would share, and report what came back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from nextlabel.cli.audited import Audited
    from nextlabel.leakage.report.report import Report

__all__ = ["leakage", "made_report", "said", "watched"]

_ACTIONS = ("audit", "demo", "list")
_VOID = 1
_OUT = {"audit": "leakage-report", "demo": "leakage-demo"}
_LEVELS = ("trying", "attack", "training")  # how what is done begins, outermost first


def leakage(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="audit, demo or list.")],
    model: Annotated[
        str,
        typer.Argument(
            help="For audit: file.py:function, which returns a torch model with its weights, in evaluation "
            "mode."
        ),
    ] = "",
    data: Annotated[
        str | None, typer.Option(help="A data set by name, or a file or folder with the private records.")
    ] = None,
    share: Annotated[
        str, typer.Option(help="What is shared: full, last-layer, embedding or update.")
    ] = "full",
    batch: Annotated[int, typer.Option(help="Records in a message.")] = 1,
    labels: Annotated[
        str | None,
        typer.Option(
            help="The column or array of labels, or a .npy file of them: for a language model a row of token "
            "ids for each text. `label` when left out, or `labels`."
        ),
    ] = None,
    records: Annotated[
        int | None, typer.Option(help="How many records are attacked; 20 or 3 messages when left out.")
    ] = None,
    loss: Annotated[
        str, typer.Option(help="cross_entropy, squared_error or language_model.")
    ] = "cross_entropy",
    reduction: Annotated[str, typer.Option(help="How losses of a message are joined: mean or sum.")] = "mean",
    steps: Annotated[int, typer.Option(help="Local steps of an update.")] = 1,
    rate: Annotated[float, typer.Option(help="Learning rate of an update, and of trainings.")] = 0.1,
    defence: Annotated[
        list[str] | None,
        typer.Option(help="Applied to each message, for example gaussian:1e-3; give it again for more."),
    ] = None,
    sweep: Annotated[
        str,
        typer.Option(
            help="Defences to compare, with commas between: gaussian:1e-3,gaussian:1e-2,prune:30%,batch:8."
        ),
    ] = "",
    trainings: Annotated[
        int, typer.Option(help="Trainings for each defence of a sweep, to say what it costs; 0 for none.")
    ] = 3,
    epochs: Annotated[int, typer.Option(help="How often a training goes over the records.")] = 2,
    evaluations: Annotated[
        int,
        typer.Option(
            help="In a sweep, gradients that each start of gradient matching and of inverting gradients may "
            "take, the same at every strength, as the other attacks have limits of their own: what comes "
            "back then does not depend on how busy the machine is, unless --seconds end it."
        ),
    ] = 100,
    attacks: Annotated[
        str, typer.Option(help="Names with commas between them; all that read the message when left out.")
    ] = "",
    knows: Annotated[
        str | None,
        typer.Option(
            help="What the attacker is told, with commas between: batch, bounds, images, labels, rate, "
            "steps. All but labels when left out. A message says how many items it speaks of, so that "
            "leaving batch out hides nothing. Public items and the matrix of a sketch are arrays, which "
            "nextlabel.leakage.audit takes in Python."
        ),
    ] = None,
    bounds: Annotated[
        str | None, typer.Option(help="Least and largest value of an item, for example 0,1.")
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(help="With --prior and --defence private:NOISE: δ of a bound on any attack, as 1e-5."),
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(help="With --delta: the chance that a record is guessed without the message, as 1e-4."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="For all attacks of the report together; a sweep takes as long again.")
    ] = 120.0,
    seed: Annotated[int, typer.Option(help="Draws records and restarts: one seed, one report.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder of the report; leakage-report, or leakage-demo, when left out."),
    ] = None,
) -> None:
    """Attack the messages that a model would share, and report what came back, with intervals."""
    _require_action(action, model)
    from nextlabel.cli.idle_options import require_effect, share_kind
    from nextlabel.errors import ParameterError

    kind = share_kind(share)
    known = None if knows is None else _listed(knows)
    require_effect(context, kind, known or ())
    if action == "list":
        _list()
        return
    folder = out if out is not None else Path(_OUT[action])
    if folder.is_file():  # said before hours of attacks, not after them
        raise ParameterError(f"A report needs a folder; {folder} is a file. Name another one with --out.")
    if action == "demo":
        from nextlabel.cli.leakage_demo import demonstrate

        demonstrate(folder, seed)
        return
    from rich.console import Console

    from nextlabel.cli.again import written_command
    from nextlabel.cli.audited import read_audited
    from nextlabel.cli.model_file import made_model

    console = Console(markup=False, highlight=False)
    made = made_model(model)
    found = read_audited(_given(data), labels, seed=seed, needs_labels=kind != "embedding", loss=loss)
    options = {
        "share": kind,
        "batch": batch,
        "records": records,
        "loss": loss,
        "reduction": reduction,
        "steps": steps,
        "rate": rate,
        "attacks": _listed(attacks) or None,
        "seconds": seconds,
        "seed": seed,
        "bounds": _bounds(bounds),
        "delta": delta,
        "prior": prior,
        **({} if known is None else {"knows": known}),
    }
    for remark in found.remarks:
        console.print(remark, soft_wrap=True)
    with watched(console):
        report = made_report(
            made,
            found,
            options,
            defences=defence or (),
            swept=_listed(sweep),
            trainings=trainings,
            epochs=epochs,
            evaluations=evaluations,
            command=written_command(context, "nextlabel leakage"),
        )
    try:  # first: whoever reads the terminal may stop doing so, and the work is done
        page, *beside = report.write(folder)
    finally:
        said(console, report, told=found.remarks)
    console.print(f"The page: {page}", soft_wrap=True)
    console.print(f"Beside it: {', '.join(path.name for path in beside)}", soft_wrap=True)
    if report.is_void:
        raise typer.Exit(_VOID)


def made_report(
    model: Any,
    found: "Audited",
    options: dict[str, Any],
    *,
    defences: Sequence[str] = (),
    swept: Sequence[str] = (),
    trainings: int = 3,
    epochs: int = 2,
    evaluations: int = 100,
    command: str = "",
) -> "Report":
    """The report of an audit, with a sweep where one is wanted, and with advice.

    Parameters
    ----------
    model : torch.nn.Module
    found : Audited
    options : mapping of str to object
        As `nextlabel.leakage.audit` takes them, beyond the data and the defences.
    defences : sequence of str
        Applied to the messages of the report.
    swept : sequence of str
        Compared in a sweep.
    trainings, epochs : int
        For each defence of the sweep: how many, and how often each goes over the records.
    evaluations : int
        Of each start of an attack of the sweep, at most.
    command : str
        What makes the report again; the call in Python where it is empty.
    """
    import dataclasses

    import numpy as np

    from nextlabel.leakage.advice import advise
    from nextlabel.leakage.auditing import audit
    from nextlabel.leakage.sweep import sweep
    from nextlabel.leakage.sweep_settings import settings
    from nextlabel.maths.parameters import checked_whole

    share = options["share"]
    # all that is refused by a sweep is refused before anything long
    trainings = checked_whole(trainings, "trainings", least=0)
    epochs = checked_whole(epochs, "epochs", least=1)
    evaluations = checked_whole(evaluations, "evaluations", least=1)
    labels = np.zeros(len(found.items), np.int64) if found.labels is None else found.labels
    if swept:
        settings(swept, share)  # a defence that there is not
    # the rate of a sweep's trainings says nothing of a gradient
    own = {name: one for name, one in options.items() if name != "rate" or share == "update"}
    report = audit(model, found.items, labels, defences=defences, **own)
    report = dataclasses.replace(report, remarks=(*found.remarks, *report.remarks))
    if command:
        report = dataclasses.replace(report, setting={**report.setting, "command": command})
    if not swept:
        return report.with_trials((), advise((), share))
    work: dict[str, Any] = {"seeds": trainings, "epochs": epochs, "evaluations": evaluations}
    trials = sweep(model, found.items, labels, swept, **work, **options)
    return report.with_trials(trials, advise(trials, share))


def said(console: "Console", report: "Report", *, told: Sequence[str] = ()) -> None:
    """Say in the terminal what a report says: verdict first, then the rest, then the advice.

    Parameters
    ----------
    console : Console
    report : Report
    told : sequence of str
        What stands above already, and is not said again.
    """
    lead, *rest = (one for one in report.sentences() if one not in told)
    console.print()
    console.print(lead, style="bold")
    console.print()
    for sentence in rest:
        console.print(sentence)
    if report.is_void:  # nothing that came back may be read, and a sweep rests on the same attacks
        console.print()
        return
    if report.trials:
        from nextlabel.leakage.trials import sweep_words

        console.print()
        console.print(_tried(report))
        console.print()
        for sentence in sweep_words(report.trials):
            console.print(sentence)
    if report.advice:
        console.print()
        for sentence in report.advice:
            console.print(f"- {sentence}")
    console.print()


def _tried(report: "Report") -> Any:
    """A line for each setting of a sweep."""
    has_accuracy = any(one.accuracies for one in report.trials)
    table = _table("defence", "items taken", "labels or more", *(["test accuracy"] if has_accuracy else []))
    for one in report.trials:
        accuracy = "" if one.accuracy is None else f"{100 * one.accuracy:.1f} %"
        taken = f"{one.leaked} of {one.records}{one.cut_words()}"
        cells = [one.words, taken, f"{one.labels} of {one.records}", accuracy]
        table.add_row(*cells[: len(table.columns)])
    return table


@contextmanager
def watched(console: "Console") -> Iterator[None]:
    """Show a bar of what is done in this block, where somebody watches.

    Parameters
    ----------
    console : Console
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from nextlabel.core.progress import reporting

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, of: int) -> None:
            # a sweep makes audits, which run attacks, which say how far they are: a line for each
            level = next((one for one in _LEVELS if what.startswith(one)), "")
            if level not in tasks:
                tasks[level] = bar.add_task(what, total=of)
            bar.update(tasks[level], description=what, completed=done, total=max(of, 1))

        with reporting(show):
            yield


def _require_action(action: str, model: str) -> None:
    from difflib import get_close_matches

    from nextlabel.errors import ParameterError, UnknownName

    if action not in _ACTIONS:
        near = get_close_matches(action, _ACTIONS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        message = f"{action!r} is nothing to do about leakage. {hint}Write one of: {', '.join(_ACTIONS)}."
        raise UnknownName(message)
    if action == "audit" and not model:
        message = (
            "An audit needs a model; received none. Write: nextlabel leakage audit model.py:make_model "
            "--data digits."
        )
        raise ParameterError(message)
    if action != "audit" and model:
        message = f"A model is for audit; received {model!r} with {action!r}. Leave it out."
        raise ParameterError(message)


def _given(data: str | None) -> str:
    from nextlabel.errors import ParameterError

    if data is None:
        message = (
            "An audit needs private records to attack; received no --data. Name a data set (nextlabel data "
            "lists them) or a file: --data digits, --data records.npz."
        )
        raise ParameterError(message)
    return data


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _bounds(text: str | None) -> tuple[float, float] | None:
    from nextlabel.errors import ParameterError

    if text is None:
        return None
    try:
        low, high = (float(one) for one in text.split(","))
    except ValueError as cause:
        message = (
            f"--bounds must be two numbers with a comma between them; received {text!r}. Write --bounds 0,1."
        )
        raise ParameterError(message) from cause
    return low, high


def _list() -> None:
    """What can be shared, tried and put in the way."""
    from rich.console import Console
    from rich.table import Table

    from nextlabel.cli.idle_options import shown_kind
    from nextlabel.core.registry import build, names, resolve

    console = Console(markup=False, highlight=False)
    for kind, title in (("message", "what is shared"), ("defence", "defence")):
        table: Table = _table(title, "what it is")
        for name in names(kind):
            written = shown_kind(name) if kind == "message" else name
            table.add_row(written, (resolve(kind, name).__doc__ or "").strip().partition("\n")[0])
        console.print(table)
        console.print()
    table = _table("attack", "what it does, and to what")
    for name in names("attack"):
        attack = build("attack", name)
        about = (type(attack).__doc__ or "").strip().partition("\n")[0]
        read, found = (", ".join(sorted(one)).replace("_", " ") for one in (attack.reads, attack.recovers))
        # in columns of their own these would leave a terminal of 80 characters 18 for the sentence
        table.add_row(name, f"{about}\nReads {read}. Recovers {found}.")
    console.print(table)


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, no_wrap=place == 0)
    return table
