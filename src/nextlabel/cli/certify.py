"""``nextlabel certify``: how many wrong labels a file has, from a fresh sample of what nobody labelled."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State

__all__ = ["certify"]


def certify(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    size: Annotated[
        int, typer.Option(min=1, help="Items in the sample; all that are left, where these are fewer.")
    ] = 300,
    sided: Annotated[
        str,
        typer.Option(
            help="two: at least and at most so many wrong labels; upper: at most. Settled before anything of "
            "the sample is seen."
        ),
    ] = "two",
    author: Annotated[str, typer.Option(help="Who begins it, for the journal.")] = "",
    data: Annotated[
        Path | None, typer.Option(help="Where the data are now, if they have moved since `nextlabel new`.")
    ] = None,
    another: Annotated[
        bool, typer.Option("--another", help="Begin one more, at half the level of the one before.")
    ] = False,
) -> None:
    """Certify how many wrong labels are left: begin it; once its sample is answered, say the result."""
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.cli.journal import call, read_state
    from nextlabel.cli.source import moved
    from nextlabel.evaluation.certificate import answered, is_due, issued, sentence

    before = read_state(journal)
    if answered(before) is not None and not is_due(before):
        typer.echo(sentence(before))
        typer.echo(f"Next: {call('ask', journal)}")
        return
    if issued(before) and not is_due(before) and not another:
        typer.echo(sentence(before))
        typer.echo(f"For one more, with wider bounds: {call('certify', journal, '--another')}")
        return
    with Campaign.open(journal, None if data is None else moved(before, data)) as campaign:
        if is_due(before):
            _settle(campaign, journal)
        else:
            _begin(campaign, journal, size, sided, author)


def _begin(campaign: "Campaign", journal: Path, size: int, sided: str, author: str) -> None:
    from nextlabel.campaign.certifying import checked_side
    from nextlabel.cli.journal import call, counted

    checked_side(sided)  # before a model is fitted
    _require_labels(campaign.state)
    campaign.fit()
    sample = campaign.certify(size, sided=sided, author=author)
    newest = campaign.state.certifying
    assert newest is not None
    typer.echo(
        f"A certificate has begun: {counted(len(sample), 'item')} drawn of the {newest.remainder:,} that "
        "nobody has labelled, has on a screen or measures by; it is of the model "
        f"{newest.model[:12]}. Until they are answered or skipped nothing else is asked."
    )
    typer.echo(f"Next: {call('ask', journal)}; and when all are told: {call('certify', journal)}")


def _settle(campaign: "Campaign", journal: Path) -> None:
    """Take the one look, and write it in the journal."""
    import numpy as np

    from nextlabel.campaign.predicting import kept_model, predicted
    from nextlabel.cli.journal import call
    from nextlabel.errors import CampaignError
    from nextlabel.evaluation.certificate import CERTIFICATE, certificate, sentence

    state = campaign.state
    open_one = state.certifying
    assert open_one is not None
    model = kept_model(journal, state, open_one.model)
    if model is None:
        message = (
            f"A certificate is about the model that was frozen for it, {open_one.model[:12]}; its file has "
            "gone from the folder of models. Put it back from a copy, or begin another one in Python: "
            "campaign.certify()."
        )
        raise CampaignError(message)
    places = np.array([state.roster.index[id] for id in open_one.ids], np.int64)
    said = predicted(model, state.task, campaign.pool, places, seed=state.created.seed)
    labels = dict(zip(said.ids, said.labels, strict=True))
    found = certificate(state, labels, entries=campaign.journal())
    if found is not None:
        campaign.measure(CERTIFICATE, found.values(), model=open_one.model)
    typer.echo(sentence(campaign.state))
    typer.echo(f"Next: {call('predict', journal, '--certified')}")


def _require_labels(state: "State") -> None:
    from nextlabel.errors import CampaignError

    if not state.active_labels:
        message = (
            "A certificate is of a model that was trained on labels, and this campaign has none yet that one "
            "may learn from. Label some items first: nextlabel ask."
        )
        raise CampaignError(message)
