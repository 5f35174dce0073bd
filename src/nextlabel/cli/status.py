"""``nextlabel status``: how far a campaign is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["status"]


def status(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    is_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
) -> None:
    """Say how far a campaign is, how good its model is by what evidence, and what to do next."""
    import json
    import time

    from nextlabel.cli.journal import read_journal
    from nextlabel.evaluation import report
    from nextlabel.evaluation.stopping import Snapshots

    state, entries = read_journal(journal)
    said = _figures(journal, state, time.time())
    said["report"] = report.status(state, entries, snapshots=Snapshots.load(Snapshots.path(journal)))
    if is_json:
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        _show(said)


def _figures(journal: Path, state: "State", now: float) -> dict[str, Any]:
    pending = state.pending(now)
    late = set(state.out) - set(pending)
    skipped = len(state.skipped)
    untouched = {
        id for id in state.walled if id not in state.kept and id not in state.skips and id not in pending
    }
    reserved = len(untouched.difference(state.sample))
    items = len(state.roster)
    return {
        "journal": str(journal),
        "items": items,
        "labelled": state.labelled,
        "out": len(pending),
        "late": len(late),
        "skipped": skipped,
        "waiting": sum(not state.is_done(id) for id in {*state.kept, *state.skips}),
        "left": items - state.labelled - len(pending) - skipped - len(untouched),
        "reserved": reserved,
        "overlap": state.overlap,
        "candidates": state.created.candidates,
        "task": state.task.kind,
        "classes": state.class_counts,
        "queries": [_query(state, token, now) for token in dict.fromkeys(state.out.values())],
        "rounds": state.round,
        "strategy": _written(state.created.strategy, state.created.name),
        "picking": None if state.picking is None else dict(state.picking),
        "learner": _written(state.created.learner, state.created.learner_repr),
        "model": None
        if state.newest is None
        else {"fingerprint": state.newest.model, "labels": state.newest.labels, "at": state.newest.at},
        "control": {
            "share": state.control,
            "reason": state.control_reason,
            "reserve": 0 if state.is_released else len(state.reserve),
            "labelled": state.control_labels,
        },
        "certificate": _certificate(state),
        "stopped": state.stopped,
        "next": _next(journal, state, len(pending), now),
    }


def _certificate(state: "State") -> dict[str, Any] | None:
    """The newest certificate, while its sample is set aside."""
    newest = state.certifying
    if newest is None or not state.sample:
        return None
    return {
        "model": newest.model,
        "sample": len(newest.ids),
        "waiting": sum(not state.is_done(id) for id in newest.ids),
        "remainder": newest.remainder,
        "level": newest.level,
        "sided": newest.sided,
    }


def _query(state: "State", token: str, now: float) -> dict[str, Any]:
    lease = state.leases[token]
    return {
        "token": token,
        "holder": lease.holder,
        "items": len(lease.ids),
        "unanswered": sum(state.out.get(id) == token for id in lease.ids),
        "expires": lease.expires,
        "is_open": lease.is_open(now),
    }


def _written(spec: Any, otherwise: str) -> Any:
    return otherwise if spec is None else dict(spec)


def _next(journal: Path, state: "State", pending: int, now: float) -> str:
    from nextlabel.cli.journal import call
    from nextlabel.evaluation.certificate import is_due

    if is_due(state):
        return call("certify", journal)
    is_open = not state.is_stopped and bool(state.is_certifying or state.begun or len(state.available(now)))
    if journal.with_name(f"{journal.name}.key").exists():  # people label it in the browser
        if is_open or (pending and not state.is_stopped):
            return call("label", journal)
    elif pending:
        return call("tell", journal, "SHEET.csv")
    elif is_open:
        return call("ask", journal)
    return call("export", journal, f"{journal.stem}-labelled.csv")


def _show(said: dict[str, Any]) -> None:
    import json

    from rich.console import Console
    from rich.table import Table

    from nextlabel.evaluation.report import sentences

    console = Console(markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for key, meaning in _ROWS.items():
        if said[key] or key not in _SELDOM:
            table.add_row(key, f"{said[key]:,}", meaning)
    console.print(table)
    console.print("\nclasses" + (" (an item may have several)" if said["task"] == "classes" else ""))
    for name, count in said["classes"].items():
        console.print(f"  {name}: {count:,}", soft_wrap=True)
    followed = said["picking"] if said["strategy"] == {"name": "auto"} else None
    last = f"; the last batch by {json.dumps(followed)}" if followed else ""
    console.print(f"\nstrategy: {json.dumps(said['strategy'])}{last}", soft_wrap=True)
    console.print(f"learner: {json.dumps(said['learner'])}", soft_wrap=True)
    console.print(_model(said), soft_wrap=True)
    console.print(_control(said["control"]), soft_wrap=True)
    for line in _lines(said):
        console.print(line, soft_wrap=True)
    for query in said["queries"]:
        console.print(_lease(query), soft_wrap=True)
    if said["reserved"] and not said["left"]:
        console.print(
            f"The strategy has asked all it may; {said['reserved']:,} items are left in the control reserve. "
            'To have them asked too, which ends the measuring for good: "Label the rest" on the page Status '
            f"of nextlabel label, or in Python Campaign.open({said['journal']!r}).release()",
            soft_wrap=True,
        )
    if said["stopped"] is not None:
        console.print(f"stopped: {said['stopped'] or 'no reason was given'}", soft_wrap=True)
    console.print()
    for sentence in sentences(said["report"]):
        console.print(sentence, soft_wrap=True)
    console.print(f"\nNext: {said['next']}", soft_wrap=True)


_ROWS = {
    "items": "in the data",
    "labelled": "have an answer",
    "out": "asked, on lease, not answered yet",
    "late": "asked, the lease has ended: asked again when their turn comes; late answers are kept",
    "skipped": "passed over",
    "waiting": "answered or skipped by fewer people than are wanted",
    "left": "the strategy may still ask them",
    "reserved": "set aside as control items, and asked when their share is due",
    "rounds": "batches asked",
}
_SELDOM = ("late", "waiting", "reserved")


def _model(said: dict[str, Any]) -> str:
    model, labels = said["model"], said["labelled"] - said["control"]["labelled"]
    if model is not None:
        return f"model: {model['fingerprint'][:12]}, labels it was trained on: {model['labels']:,}"
    if labels:
        return f"model: none yet; labels to train it on: {labels:,}"
    return "model: none yet; the next batch is picked without labels"


def _control(control: dict[str, Any]) -> str:
    if not control["share"]:
        return f"control: none ({control['reason']})"
    return (
        f"control: {control['share']:.0%} of each batch, from {control['reserve']:,} items set aside; "
        f"{control['labelled']:,} labelled"
    )


def _lines(said: dict[str, Any]) -> list[str]:
    """What few campaigns have: an overlap, candidates, a certificate."""
    lines = []
    if said["overlap"] > 1:
        lines.append(f"overlap: {said['overlap']} people are asked each item")
    if said["candidates"] is not None:
        lines.append(f"candidates: the strategy sees {said['candidates']:,} items at first, drawn by chance")
    if (one := said["certificate"]) is not None:
        lines.append(
            f"certificate: {one['sample']:,} items drawn from the {one['remainder']:,} that nobody had "
            f"labelled, {one['waiting']:,} of them wait for an answer, of the model {one['model'][:12]}"
        )
    return lines


def _lease(query: dict[str, Any]) -> str:
    from nextlabel.cli.journal import until

    whose = f" with {query['holder']}" if query["holder"] else ""
    is_over = "" if query["is_open"] else ", which is over"
    count = f"{query['unanswered']} of {query['items']} items"
    return f"out: {count}{whose}, {until(query['expires'])}{is_over} (token {query['token']})"
