"""``nextlabel advise``, and a campaign that follows it."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Command = Callable[..., CompletedProcess[str]]


def test_options_are_answered_in_words_and_as_json(at_once: Command) -> None:
    options = ("--classes", 26, "--pool", 20_000, "--signals", "proba, embedding", "--labelled", 100)
    said = at_once("advise", *options)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith('{"name": "badge"}\nWhy: 26 classes and 3.8 labels a class')
    advice = json.loads(at_once("advise", *options, "--json").stdout)
    assert (advice["strategy"], advice["rule"]) == ({"name": "badge"}, "many classes")
    counted = at_once("advise", "--pool", 100, "--signals", "proba", "--counts", "3,0, 4", "--json")
    assert "1 of the classes has no label yet" in json.loads(counted.stdout)["reason"]


def test_what_is_missing_or_no_number_is_said(at_once: Command) -> None:
    for words, says in (
        ((), "Advice needs --pool, or a campaign's journal"),
        (("a.db", "--pool", 9, "--fixed-embedding"), "received --pool, --fixed-embedding as well"),
        (("--pool", 9), "neither 'classes' nor 'label_counts'"),
        (("--pool", 9, "--counts", "3,x"), "received '3,x'"),
        (("--pool", 9, "--classes", 2, "--signals", "prob"), "Did you mean 'proba'"),
    ):
        done = at_once("advise", *words)
        assert done.returncode == 2
        assert says in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_a_campaign_follows_the_advice_and_says_so(tmp_path: Path, at_once: Command) -> None:
    sheet = tmp_path / "texts.csv"
    rows = [f"{kind} thing number {number},{kind}" for number in range(20) for kind in ("good", "bad")]
    sheet.write_text(
        "body,label\n" + "\n".join(rows[:6]) + "\n" + "\n".join(f"{r.split(',')[0]}," for r in rows[6:])
    )
    journal = tmp_path / "texts.db"
    assert at_once("new", sheet, "--text", "body", "--strategy", "auto", "--control", 0).returncode == 0
    advice = at_once("advise", journal).stdout
    assert advice.startswith('{"name": "typiclust"}')
    assert at_once("ask", journal, "--batch", 2).returncode == 0
    said = " ".join(at_once("status", journal).stdout.split())
    assert 'strategy: {"name": "auto"}; the last batch by {"name": "typiclust"' in said
