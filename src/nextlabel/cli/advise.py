"""``nextlabel advise``: which strategy, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.advice import Advice

__all__ = ["advise"]


def advise(
    journal: Annotated[
        Path | None, typer.Argument(help="A campaign's journal: advice for its next query; or the options.")
    ] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Classes of the task.")] = None,
    pool: Annotated[int | None, typer.Option(min=1, help="Items without a label.")] = None,
    signals: Annotated[
        str, typer.Option(help="What the model offers, with commas between: for example proba,embedding.")
    ] = "",
    labelled: Annotated[int | None, typer.Option(min=0, help="Labels so far; 0 when left out.")] = None,
    counts: Annotated[
        str, typer.Option(help="Labels of each class so far, with commas between; says --labelled too.")
    ] = "",
    batch: Annotated[int, typer.Option(min=1, help="Items asked at once.")] = 20,
    fixed_embedding: Annotated[
        bool,
        typer.Option(
            "--fixed-embedding",
            help="The embedding was there before any label: a pretrained network's, or features.",
        ),
    ] = False,
    several: Annotated[
        bool, typer.Option("--several", help="An item may have several classes; --labelled counts items.")
    ] = False,
    is_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
) -> None:
    """Name a strategy for a situation, why, and what would change that; from measured comparisons alone."""
    import json

    from nextlabel.campaign.advice import advise as advised

    if journal is not None:
        told = {"classes": classes, "pool": pool, "signals": signals, "labelled": labelled, "counts": counts}
        flags = {"fixed-embedding": fixed_embedding, "several": several}
        _refuse([name for name, one in {**told, **flags}.items() if one])
        advice = _of_campaign(journal, batch)
    else:
        advice = advised(
            signals=[one.strip() for one in signals.split(",") if one.strip()],
            pool=_given(pool, "--pool"),
            classes=classes,
            labelled=labelled,
            label_counts=_counts(counts) if counts else None,
            batch=batch,
            fixed_embedding=fixed_embedding,
            several=several,
        )
    typer.echo(json.dumps(_said(advice), indent=2, ensure_ascii=False) if is_json else advice.text())


def _refuse(options: list[str]) -> None:
    from nextlabel.errors import ParameterError

    if options:
        message = (
            "A campaign's journal says by itself what advice depends on, but for --batch; received "
            f"{', '.join(f'--{one}' for one in options)} as well. Leave these out, or leave the journal out."
        )
        raise ParameterError(message)


def _of_campaign(journal: Path, batch: int) -> "Advice":
    from nextlabel.campaign.campaign import Campaign

    with Campaign.open(journal) as campaign:
        return campaign.advise(batch)


def _given(value: int | None, option: str) -> int:
    from nextlabel.errors import ParameterError

    if value is None:
        message = (
            f"Advice needs {option}, or a campaign's journal; received neither. Write for example: nextlabel "
            "advise --classes 10 --pool 50000 --signals proba,embedding --labelled 100"
        )
        raise ParameterError(message)
    return value


def _counts(text: str) -> list[int]:
    from nextlabel.errors import ParameterError

    try:
        return [int(one) for one in text.split(",")]
    except ValueError as cause:
        message = (
            f"--counts must be whole numbers with commas between them; received {text!r}. "
            "Write for example --counts 12,3,0."
        )
        raise ParameterError(message) from cause


def _said(advice: "Advice") -> dict[str, Any]:
    return {
        "strategy": advice.strategy.to_dict(),
        "rule": advice.rule,
        "reason": advice.reason,
        "changes": list(advice.changes),
        "against": list(advice.against),
        "evidence": list(advice.evidence),
    }
