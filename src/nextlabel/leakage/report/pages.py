"""The page of a report: verdict first, then what came back, by which attack, and what that does not say."""

from collections.abc import Sequence

from nextlabel.figures.page import Listing, Picture, Section, Table, Terms, long_page
from nextlabel.leakage.report import pictures
from nextlabel.leakage.report.report import Report, Summary
from nextlabel.leakage.report.whys import why_of_attack, whys_of_records
from nextlabel.leakage.report.wording import between, count, error_words, others, sentences, time_words
from nextlabel.leakage.report.words import recovered_tokens
from nextlabel.leakage.scores import COLUMN, NEAR, ItemScore
from nextlabel.leakage.trials import sweep_words
from nextlabel.leakage.verdicts import EXACT, LIMITS, MEANINGS, NOT_SHOWN, RECOGNISABLE, VERDICTS

__all__ = ["Part", "page"]

_NOTHING = "–"
_LEAST_SHOWN = 40  # records listed one by one
_MOST_TOKENS = 20  # of a text, in a table

Part = str | Table | Picture | Listing | Terms


def page(report: Report) -> str:
    """One self-contained page.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        HTML without scripts or requests, readable by day and by night. Of a void report it shows which
        control failed and how the audit was made, and no verdict, count or picture.

    Raises
    ------
    MissingExtra
        Matplotlib is not installed.
    """
    return long_page(
        title="What these messages give away",
        lead=sentences(report)[0],
        sections=_void(report) if report.is_void else _sections(report),
        command=str(report.setting.get("command", "nextlabel leakage audit --help")),
        files=["report.json"],
    )


def _sections(report: Report) -> list[Section]:
    return [
        _shown(report),
        _attacks(report),
        *([_defences(report)] if report.trials or report.advice else []),
        _controls(report),
        _records(report),
        _setting(report),
        Section("What this does not say", [Listing(_caveats(report))]),
    ]


def _void(report: Report) -> list[Section]:
    """A void report shows no verdict, and nothing from which one could be read."""
    controls = _controls(report)
    left = (
        "What came back is not shown here, since nothing of it may be believed. report.json keeps it for "
        "whoever looks for the fault."
    )
    return [Section(controls.title, [*controls.parts, left]), _setting(report)]


def _shown(report: Report) -> Section:
    rows = [
        [
            one.verdict,
            f"{one.records} of {one.of}",
            f"{100 * one.records / one.of:.1f} %",
            between(one.low, one.high) if one.verdict != NOT_SHOWN or report.is_tried else _NOTHING,
        ]
        for one in report.shares
    ]
    table = Table(
        caption="Records by the worst that happened to them",
        header=["verdict", "records", "share", "95 % interval"],
        rows=rows,
        notes=[
            f"{name}: {_meaning(report, name)}"
            for name in VERDICTS
            if name in {one.verdict for one in report.shares}
        ],
    )
    beside = others(report)
    drawn = [pictures.exhibit_picture(report), _texts(report), pictures.success_picture(report)]
    parts = [table, *([Listing(beside)] if beside else []), *(one for one in drawn if one is not None)]
    return Section("What came back", parts)


def _meaning(report: Report, verdict: str) -> str:
    if verdict == NOT_SHOWN and not report.is_tried:
        return "No attack was brought to bear: nothing is known of what these messages give away."
    return MEANINGS[verdict]


def _texts(report: Report) -> Table | None:
    """Recovered token ids beside the true ones."""
    if not report.setting.get("is_text") or not report.exhibits:
        return None
    return Table(
        caption="Token ids",
        header=["record", "true", "came back"],
        rows=[
            [f"{one.place}, {one.position}", _ids(one.original), recovered_tokens(one) or "nothing"]
            for one in report.exhibits
        ],
        notes=["In braces: the words of the message, in no order."]
        if any(one.is_unordered for one in report.exhibits)
        else [],
    )


def _attacks(report: Report) -> Section:
    table = [
        Table(
            caption="Attacks, cheapest first",
            header=["attack", "messages", "exact", "recognisable", "labels right"],
            rows=[_row(one) for one in report.summaries],
            notes=[
                "Exact and recognisable: records of all that the attack was tried on. Messages of which "
                "every record had come back exactly were not tried again.",
                "Labels right: of the records of messages for which the attack claimed labels, and the "
                "chance that a guess which knows how many records have each class, and nothing of the "
                "messages, is right as often.",
                "If not shown: not identifiable means that another record explains every part of the "
                "message as well as the true one does; left open by this attack, that the attack came to "
                "no more, and yet another brought a record of that message back; optimiser failed, that "
                "the message is not explained: more time or another start may do better; claimed, and "
                "wrong, that the attack says it explains the message, and it does not; gave no item and "
                "did not apply, that the attack has nothing to say of the records, whatever others do; broke "
                "off, that it ended with an error of its own, and tried nothing.",
            ],
        )
    ]
    parts: list[Part] = [*table] if report.summaries else ["No attack was tried."]
    why = [why_of_attack(report, one.attack) for one in report.summaries]
    parts += [Listing([said for said in why if said])] if any(why) else []
    features = [one for one in report.summaries if one.features_exact is not None]
    if features:
        parts.append(
            Table(
                caption="Inputs of the last layer",
                header=["attack", "came back", "median cosine"],
                rows=[
                    [
                        _spaced(one.attack),
                        f"{one.features_exact} of {one.records}",
                        f"{one.features_cosine:.4f}",
                    ]
                    for one in features
                ],
                notes=[
                    "Came back: as a record of a table does, each feature in units of its spread over the "
                    "audited records; features that are the same in all are left out."
                ],
            )
        )
    parts += _targets(report)
    if report.skipped:
        parts.append(
            Listing([f"Not tried: {_spaced(one.name)}, since {one.reason}." for one in report.skipped])
        )
    drawn = [
        pictures.residual_picture(report),
        pictures.spectrum_picture(report),
        pictures.time_picture(report),
    ]
    return Section("Attacks", [*parts, *(one for one in drawn if one is not None)])


def _targets(report: Report) -> list[Part]:
    """The targets of a regression, by the attacks that claim any."""
    claims = [one for one in report.summaries if one.targets_exact is not None]
    if not claims:
        return []
    return [
        Table(
            caption="Targets",
            header=["attack", "exact", "median error"],
            rows=[
                [
                    _spaced(one.attack),
                    f"{one.targets_exact} of {one.targets_of}"
                    + ("" if one.targets_chance is None else f" (chance {_chance(one.targets_chance)})"),
                    _NOTHING if one.targets_error is None else f"{one.targets_error:.2g}",
                ]
                for one in claims
            ],
            notes=[
                "Exact: as a record of a table is, and better than the mean target of the other data. The "
                "error is in units of the spread of the targets; the chance, of so many by guessing."
            ],
        )
    ]


def _defences(report: Report) -> Section:
    drawn = pictures.defence_picture(report.trials)
    parts: list[Part] = [drawn] if drawn is not None else []
    if report.trials:
        parts.append(
            Table(
                caption="Defences",
                header=["defence", "came back", "labels", "accuracy"],
                rows=[
                    [
                        one.words,
                        f"{one.leaked} of {one.records}{one.cut_words()}",
                        f"{one.labels} of {one.records}",
                        _NOTHING if one.accuracy is None else f"{100 * one.accuracy:.1f} %",
                    ]
                    for one in report.trials
                ],
                notes=[
                    "Came back: exactly, or so that the record can be recognised. Labels: these or more.",
                    *sweep_words(report.trials),
                ],
            )
        )
    if report.advice:
        parts.append(Listing(report.advice))
    return Section("Defences" if report.trials else "What to send instead", parts)


def _controls(report: Report) -> Section:
    if not report.controls:
        return Section(
            "Controls",
            ["No controls ran for this report: nothing says that its attacks or scores work here."],
        )
    lines = [
        f"{'Passed' if one.is_passed else 'FAILED'}: {one.name}. Found: {one.said}."
        if one.is_run
        else f"Not run: {one.name}; {one.said}."
        for one in report.controls
    ]
    intro = (
        "Attacks must find what is there, and nothing where nothing is. If one of these fails, the report is "
        "void. On the network known to leak, only the attacks fully connected and label inference are run."
    )
    return Section("Controls", [intro, Listing(lines)])


def _records(report: Report) -> Section:
    shown = report.standings[:_LEAST_SHOWN]
    is_text = bool(report.setting.get("is_text"))
    rows = []
    for one in shown:
        score = one.score
        if is_text:
            near = _share_came(score)
            sight = _NOTHING if score is None or score.rouge is None else f"{score.rouge:.2f}"
        else:
            near = _NOTHING if score is None or score.relative is None else f"{score.relative:.2g}"
            sight = _NOTHING if score is None or score.psnr is None else f"{score.psnr:.1f}"
        guess = one.baseline.psnr
        told = _share_came(one.baseline) if is_text else _NOTHING if guess is None else f"{guess:.1f}"
        rows.append([str(one.position), one.verdict, _spaced(one.attack) or _NOTHING, near, sight, told])
    header = ["record", "verdict", "attack"]
    header += (
        ["tokens", "ROUGE-L", "guess: tokens"]
        if is_text
        else [error_words(report), "PSNR, dB", "guess: PSNR"]
    )
    left = len(report.standings) - len(shown)
    table = Table(
        caption="Record by record"
        + (f", the first {len(shown)}; {left} more are in report.json" if left else ""),
        header=header,
        rows=rows,
        notes=[
            "Attack: of LABEL ONLY the one that named the label; the errors are those of what came nearest.",
            "Guess: the better of the mean of other items and the nearest of them, without the message.",
        ],
    )
    why = whys_of_records(report)
    return Section("Records", [table, *([Listing(why)] if why else [])])


def _share_came(score: ItemScore | None) -> str:
    """The share of right tokens of a text; of words without an order, that of these."""
    if score is not None and score.tokens is not None:
        return f"{100 * score.tokens:.0f} %"
    return _NOTHING if score is None or score.words is None else f"{100 * score.words:.0f} % of words"


def _setting(report: Report) -> Section:
    setting = report.setting
    defences = setting.get("defence_sentences") or ["none"]
    shape = " × ".join(str(side) for side in setting["item_shape"]) or "one number"
    facts = {
        "Message": f"{_spaced(str(setting['share']))}, {count(setting['batch'], 'record')} in each",
        "Model": f"{setting['model']}, {setting['classes']} outputs, items of {shape}",
        "Loss": f"{str(setting['loss']).replace('_', ' ')}, {setting['reduction']} over items",
        "Defences": " ".join(defences),
        "Records": (
            f"{setting['records']} in {count(setting['messages'], 'message')}, drawn with the seed "
            f"{setting['seed']}"
        ),
        "The attacker knows": "; ".join(report.knows),
        "Time": time_words(report).removeprefix("Time: "),
        "Thresholds": (
            f"exact below {LIMITS.exact:g} relative error (of tables the root mean square over the columns, "
            f"each in units of its spread), no column or pixel beyond {LIMITS.worst:g} of its spread (of "
            "pixels, of the middle one of all spreads where that is more); recognisable from PSNR "
            f"{LIMITS.psnr:g} and {LIMITS.psnr_margin:g} dB above the guess ({LIMITS.few:g} dB over the "
            f"number of values, where items have few), as exact needs too; SSIM {LIMITS.ssim:g} and "
            f"{LIMITS.ssim_margin:g} above it, or {100 * LIMITS.tokens:g} % of tokens (or of words, where "
            f"these have no order) and {100 * LIMITS.tokens_margin:g} points above it, or "
            f"{100 * LIMITS.columns:g} % of the columns of a table within {COLUMN:g} of their spread, or "
            f"{100 * LIMITS.near:.0f} % within {NEAR:.2g} of it, "
            f"{100 * LIMITS.columns_margin:g} points and {LIMITS.least_columns} columns above it; "
            f"labels where a guess by the prior is right as often with a chance of at most "
            f"{LIMITS.chance:g}, divided by the number of attacks that claim labels"
        ),
    }
    if setting["share"] == "update":
        facts["Update"] = f"{setting['steps']} steps of plain gradient descent at rate {setting['rate']:g}"
    return Section("How it was done", [Terms(facts)])


def _caveats(report: Report) -> list[str]:
    worst = {EXACT, RECOGNISABLE} & set(report.verdicts)
    said = [] if worst else ["That attacks failed is no proof of safety, whatever their number."]
    return [
        *said,
        "The attacks tried are those in the table, with the knowledge and the time stated. Records are those "
        "of one data set and one state of the model; earlier or later in training messages may tell more.",
        "Intervals speak of records drawn as these were.",
        *report.remarks,
    ]


def _row(one: Summary) -> list[str]:
    by_verdict = {share.verdict: share for share in one.shown}
    shown = [by_verdict[name].records if name in by_verdict else 0 for name in (EXACT, RECOGNISABLE)]
    labels = _NOTHING
    if one.labels_of:
        labels = f"{one.labels_right} of {one.labels_of}"
        labels += "" if one.labels_chance is None else f" (chance {_chance(one.labels_chance)})"
    return [
        _spaced(one.attack),
        str(one.messages),
        *(f"{count} of {one.records}" if one.records else _NOTHING for count in shown),
        labels,
    ]


def _chance(value: float) -> str:
    return "below 0.001" if value < 1e-3 else f"{value:.2g}"


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _ids(tokens: Sequence[float]) -> str:
    kept = [str(int(one)) for one in tokens if one >= 0]
    return " ".join(kept[:_MOST_TOKENS]) + (" …" if len(kept) > _MOST_TOKENS else "")
