"""Answers on a sheet: checked before anything is told, and told once."""

from pathlib import Path

import numpy as np
import pytest

from nextlabel.campaign.answers import Told, tell_sheet
from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.sheets import harmless
from nextlabel.core.task import classes
from nextlabel.errors import LabelError, ReaderError
from nextlabel.readers.arrays import arrays

IDS = ["a", "b", "c", "00123", "=x", "'=x", " e "]


@pytest.fixture
def campaign() -> Campaign:
    pool = arrays(np.arange(14.0).reshape(7, 2), ids=IDS)
    return Campaign.create(None, pool, "sklearn", "random", classes("cat", "dog"), seed=0)


@pytest.fixture
def sheet(tmp_path: Path) -> "Sheet":
    return Sheet(tmp_path / "sheet.csv")


class Sheet:
    """A file that is written anew."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *lines: str, header: str = "id,label,skip,annotator") -> Path:
        self.path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return self.path


def test_labels_are_told_skips_skipped_and_empty_rows_left(campaign: Campaign, sheet: Sheet) -> None:
    told = tell_sheet(campaign, sheet("a,cat,,", "b,,too dark,", "c,,,", "00123, dog ,,"), annotator="anna")
    assert told == Told({"cat": 1, "dog": 1}, skipped=1, unchanged=0, kept=(), later=1)
    state = campaign.state
    assert {id: state.answers(id) for id in state.kept} == {"a": {"anna": "cat"}, "00123": {"anna": "dog"}}
    assert state.skips == {"b": (("anna", "too dark"),)}


def test_telling_twice_changes_nothing(campaign: Campaign, sheet: Sheet) -> None:
    path = sheet("a,cat,,", "b,,dark,")
    tell_sheet(campaign, path, annotator="anna")
    before = campaign.state.position
    assert tell_sheet(campaign, path, annotator=" anna ") == Told(
        {}, skipped=0, unchanged=2, kept=(), later=0
    )
    assert campaign.state.position == before


def test_a_sheet_filled_further_tells_what_is_new(campaign: Campaign, sheet: Sheet) -> None:
    tell_sheet(campaign, sheet("a,cat,,", "b,,,"))
    assert tell_sheet(campaign, sheet("b,dog,,", "a,cat,,")) == Told({"dog": 1}, 0, 1, (), 0)
    assert campaign.journal()[-1]["labels"] == {"b": "dog"}


def test_a_correction_replaces_and_the_old_sheet_does_not_bring_the_old_answer_back(
    campaign: Campaign, sheet: Sheet
) -> None:
    old = sheet("a,cat,,", "b,cat,,").read_bytes()
    tell_sheet(campaign, sheet.path)
    assert tell_sheet(campaign, sheet("a,dog,,", "b,cat,,")) == Told({"dog": 1}, 0, 1, (), 0)
    sheet.path.write_bytes(old)
    assert tell_sheet(campaign, sheet.path) == Told({}, skipped=0, unchanged=1, kept=("a",), later=0)
    assert campaign.state.label("a") == "dog"
    assert tell_sheet(campaign, sheet.path, is_again=True) == Told({"cat": 1}, 0, 1, (), 0)
    assert campaign.state.label("a") == "cat"


def test_several_annotators_of_one_item_keep_the_order_of_their_rows(
    campaign: Campaign, sheet: Sheet
) -> None:
    tell_sheet(campaign, sheet("a,cat,,anna", "a,dog,,ben", "b,dog,,ben", "b,cat,,anna", "c,cat,,"))
    assert list(campaign.state.answers("a").items()) == [("anna", "cat"), ("ben", "dog")]
    assert list(campaign.state.answers("b").items()) == [("ben", "dog"), ("anna", "cat")]
    assert [entry["annotator"] for entry in campaign.journal()[1:]] == ["", "anna", "ben", "anna", "ben"]


def test_ids_are_found_as_spreadsheets_leave_them(campaign: Campaign, sheet: Sheet) -> None:
    tell_sheet(campaign, sheet("'=x,cat,,", "''=x,dog,,", " e ,dog,,", " c,cat,,"))
    assert campaign.state.labels() == {"=x": "cat", "'=x": "dog", " e ": "dog", "c": "cat"}


def test_the_token_goes_into_the_journal(campaign: Campaign, sheet: Sheet) -> None:
    query = campaign.ask(2, "anna")
    first, second = query.ids
    lines = (f"{harmless(first)},cat,q-{query.token}", f"{harmless(second)},dog,{query.token}")
    tell_sheet(campaign, sheet(*lines, header="id,label,token"))
    told = campaign.journal()[-1]
    assert told["token"] == query.token
    assert told["labels"] == {first: "cat", second: "dog"}
    assert told["annotator"] == "anna"  # who asked for them, where nobody says who answered


def test_all_that_is_wrong_is_listed_and_nothing_is_told(campaign: Campaign, sheet: Sheet) -> None:
    campaign.ask(7)
    lines = (
        "a,cat,,,",
        "a,dog,,,",
        "b,Catt,,,",
        "123,cat,,,",
        ",dog,,,",
        "c,dog,why,,",
        "zebra,cat,,,",
        "c,cow,,,",
        "b,dog,,,t0",
    )
    with pytest.raises(LabelError) as caught:
        tell_sheet(campaign, sheet(*lines, header="id,label,skip,annotator,token"))
    assert str(caught.value).splitlines() == [
        f"Each answered row of {sheet.path} must have an id of the campaign and one of its classes "
        "(cat, dog); 8 of 9 have not:",
        "  line 3: 'a' has an answer in line 2 already",
        "  line 4: 'Catt' is not one of the classes (did you mean 'cat'?)",
        "  line 5: '123' is not an id of this campaign (did you mean '00123'?)",
        "  line 6: it has an answer and no id",
        "  line 7: it has the label 'dog' and is skipped ('why') at once",
        "  line 8: 'zebra' is not an id of this campaign",
        "  line 9: 'cow' is not one of the classes",
        "  line 10: 't0' is the token of no query of this campaign",
        "Mend these rows and tell the sheet again; nothing was told.",
    ]
    assert not campaign.state.kept


def test_a_long_list_of_faults_is_cut(campaign: Campaign, sheet: Sheet) -> None:
    with pytest.raises(LabelError, match=r"12 of 12 have not:(?s:.*)line 11:.*\n  and 2 more\n"):
        tell_sheet(campaign, sheet(*(f"z{one},cat,," for one in range(12))))


def test_a_sheet_without_its_columns_is_refused(campaign: Campaign, sheet: Sheet) -> None:
    with pytest.raises(ReaderError, match=r"must have the columns id and label.*received id, answer"):
        tell_sheet(campaign, sheet("a,cat", header="id,answer"))


def test_an_answer_corrected_to_a_skip_is_taken_back(campaign: Campaign, sheet: Sheet) -> None:
    tell_sheet(campaign, sheet("a,cat,,", "b,dog,,"))
    assert tell_sheet(campaign, sheet("a,,not one,", "b,dog,,")) == Told({}, 1, 1, (), 0)
    assert campaign.state.labels() == {"b": "dog"}
    assert campaign.state.skipped == {"a": "not one"}


def test_an_older_copy_brings_no_skip_back_over_a_newer_answer(campaign: Campaign, sheet: Sheet) -> None:
    old = sheet("a,,dark,", "b,dog,,").read_bytes()
    tell_sheet(campaign, sheet.path)
    tell_sheet(campaign, sheet("a,cat,,", "b,dog,,"))
    sheet.path.write_bytes(old)
    assert tell_sheet(campaign, sheet.path) == Told({}, 0, 1, ("a",), 0)
    assert campaign.state.label("a") == "cat"
    assert tell_sheet(campaign, sheet.path, is_again=True) == Told({}, 1, 1, (), 0)
    assert campaign.state.skipped == {"a": "dark"}


def test_emptied_rows_whose_answer_stands_are_named(campaign: Campaign, sheet: Sheet) -> None:
    tell_sheet(campaign, sheet("a,cat,,anna", "b,,dark,anna", "c,cat,,ben"))
    told = tell_sheet(campaign, sheet("a,,,anna", "b,,,anna", "c,,,anna", "00123,,,anna"))
    assert told == Told({}, 0, 0, (), later=2, standing=("a", "b"))
    assert campaign.state.labels() == {"a": "cat", "c": "cat"}


def test_a_skip_does_not_take_the_answers_of_others_back_and_says_so(
    campaign: Campaign, sheet: Sheet
) -> None:
    tell_sheet(campaign, sheet("a,cat,,anna"))
    assert tell_sheet(campaign, sheet("a,,dark,ben")) == Told({}, 1, 0, (), 0, contested=("a",))
    assert campaign.state.label("a") == "cat"


def test_a_label_in_other_capitals_is_the_class_where_one_alone_is_meant(sheet: Sheet) -> None:
    pool = arrays(np.arange(4.0).reshape(4, 1), ids=list("abcd"))
    made = Campaign.create(None, pool, "sklearn", "random", classes("true", "X", "x"), seed=0)
    tell_sheet(made, sheet("a,TRUE,,", "b,x,,", "c, X ,,"))
    assert made.state.labels() == {"a": "true", "b": "x", "c": "X"}
    two = Campaign.create(None, pool, "sklearn", "random", classes("Ja", "ja", "nein"), seed=0)
    with pytest.raises(LabelError, match=r"line 2: 'JA' is not one of the classes \(did you mean 'ja'"):
        tell_sheet(two, sheet("a,JA,,"))


def test_an_unanswered_sheet_of_another_campaign_is_refused(campaign: Campaign, sheet: Sheet) -> None:
    with pytest.raises(LabelError, match=r"2 of 2 have not:\n  line 2: 'q-t0' is the token of no query"):
        tell_sheet(campaign, sheet("a,,q-t0", "b,,q-t0", header="id,label,token"))


ITEMS = "id,label,skip,annotators"


def test_of_a_sheet_of_items_only_what_was_changed_is_told_by_who_answered(
    campaign: Campaign, sheet: Sheet
) -> None:
    campaign.tell({"a": "cat", "b": "cat", "c": "dog"}, annotator="file")
    campaign.skip(["00123"], annotator="anna")
    rows = ("a,cat,,file", "b,dog,,file", "c,,both,file", "00123,,skipped,")
    assert tell_sheet(campaign, sheet(*rows, header=ITEMS)) == Told({"dog": 1}, 1, 2, (), 0)
    assert campaign.state.answers("b") == {"file": "dog"}
    assert campaign.state.skips["c"] == (("file", "both"),)
    assert campaign.state.label("c") is None
    rows = ("a,,,file", "b,dog,,file", "00123,cat,,", "=x,,,")
    assert tell_sheet(campaign, sheet(*rows, header=ITEMS)) == Told({"cat": 1}, 0, 1, (), 1, ("a",))
    assert campaign.state.answers("00123") == {"anna": "cat"}


def test_an_older_sheet_of_items_does_not_bring_old_answers_back(campaign: Campaign, sheet: Sheet) -> None:
    campaign.tell({"a": "cat", "b": "cat"}, annotator="anna")
    campaign.tell({"a": "dog"}, annotator="anna")
    rows = ("a,cat,,anna", "b,dog,,anna")
    assert tell_sheet(campaign, sheet(*rows, header=ITEMS)) == Told({"dog": 1}, 0, 0, kept=("a",), later=0)
    assert campaign.state.labels() == {"a": "dog", "b": "dog"}
    assert tell_sheet(campaign, sheet.path, is_again=True) == Told({"cat": 1}, 0, 1, (), 0)


def test_who_changes_what_several_answered_must_be_named(campaign: Campaign, sheet: Sheet) -> None:
    campaign.tell({"a": "cat"}, annotator="anna")
    campaign.tell({"a": "cat"}, annotator="ben")
    campaign.skip(["b"], "dark", annotator="anna")
    campaign.skip(["b"], "far", annotator="ben")
    rows = ("a,dog,,anna; ben", "b,cat,,", "c,cat,,")
    with pytest.raises(LabelError) as caught:
        tell_sheet(campaign, sheet(*rows, header=ITEMS))
    assert "line 2: 'a' was changed, and is of 'anna', 'ben'; name the annotator" in str(caught.value)
    assert "line 3: 'b' was changed, and is of 'anna', 'ben'; name the annotator" in str(caught.value)
    assert tell_sheet(campaign, sheet.path, annotator="cleo").labels == {"dog": 1, "cat": 2}
    assert campaign.state.answers("a") == {"anna": "cat", "ben": "cat", "cleo": "dog"}


def test_items_nobody_has_spoken_of_are_of_whom_the_row_names(campaign: Campaign, sheet: Sheet) -> None:
    rows = ("a,dog,,anna", "b,cat,,anna; ben", "c,cat,,file;", "00123,,why,")
    tell_sheet(campaign, sheet(*rows, header=ITEMS))
    state = campaign.state
    assert {id: list(state.answers(id)) for id in "abc"} == {"a": ["anna"], "b": [""], "c": [""]}
    assert state.skips == {"00123": (("", "why"),)}


def test_an_answer_taken_back_stays_so_when_the_sheet_is_filled_further(
    campaign: Campaign, sheet: Sheet
) -> None:
    tell_sheet(campaign, sheet("a,cat,,", "b,dog,,", "c,,,"))
    campaign.retract(["a"])
    campaign.tell({"b": "cat"})
    told = tell_sheet(campaign, sheet("a,cat,,", "b,dog,,", "c,cat,,"))
    assert told == Told({"cat": 1}, 0, 0, ("a", "b"), 0)
    assert campaign.state.labels() == {"b": "cat", "c": "cat"}
    assert tell_sheet(campaign, sheet.path, is_again=True).labels == {"cat": 1, "dog": 1}
    assert campaign.state.labels() == {"b": "dog", "c": "cat", "a": "cat"}


def test_a_skip_taken_back_or_given_another_reason_stays_so(campaign: Campaign, sheet: Sheet) -> None:
    path = sheet("a,,dark,", "b,,dark,")
    tell_sheet(campaign, path)
    campaign.retract(["a"])
    campaign.skip(["b"], "blurred")
    assert tell_sheet(campaign, path) == Told({}, 0, 0, ("a", "b"), 0)
    assert campaign.state.skipped == {"b": "blurred"}
    assert tell_sheet(campaign, sheet("b,,far,")).skipped == 1


def test_an_item_asked_again_takes_the_answer_that_was_taken_back(campaign: Campaign, sheet: Sheet) -> None:
    first = campaign.ask(7, "anna").token
    old = sheet(f"a,cat,{first}", header="id,label,token").read_bytes()
    tell_sheet(campaign, sheet.path)
    campaign.renew(first, 0)
    campaign.retract(["a"], "anna")
    second = campaign.ask(7, "anna").token
    sheet.path.write_bytes(old)
    assert tell_sheet(campaign, sheet.path) == Told({}, 0, 0, ("a",), 0)
    told = tell_sheet(campaign, sheet(f"a,cat,{second}", header="id,label,token"))
    assert told == Told({"cat": 1}, 0, 0, (), 0)


def test_a_late_answer_in_an_old_class_is_kept_under_its_new_name(campaign: Campaign, sheet: Sheet) -> None:
    campaign.revise(["feline", "dog"], {"cat": "feline"})
    path = sheet("a,cat,,", "b, CAT ,,", "c,Feline,,")
    assert tell_sheet(campaign, path) == Told({"feline": 3}, 0, 0, (), 0)
    assert campaign.state.labels() == dict.fromkeys("abc", "feline")
    assert campaign.journal()[-1]["labels"] == {"a": "cat", "b": "cat", "c": "feline"}
    assert tell_sheet(campaign, path) == Told({}, 0, 3, (), 0)


def test_an_old_sheet_is_old_after_its_classes_were_renamed(campaign: Campaign, sheet: Sheet) -> None:
    path = sheet("a,cat,,", "b,dog,,")
    tell_sheet(campaign, path)
    campaign.revise(["CAT", "dog"], {"cat": "CAT"})
    assert tell_sheet(campaign, path) == Told({}, 0, 2, (), 0)
    campaign.tell({"a": "dog"})
    assert tell_sheet(campaign, path) == Told({}, 0, 1, ("a",), 0)
    assert tell_sheet(campaign, sheet("a,CAT,,", "b,dog,,")) == Told({}, 0, 1, ("a",), 0)
    assert campaign.state.label("a") == "dog"


def test_an_old_sheet_is_old_where_its_words_mean_another_class_now(campaign: Campaign, sheet: Sheet) -> None:
    path = sheet("a,cat,,", "b,dog,,")
    tell_sheet(campaign, path)
    campaign.revise(["feline", "dog"], {"cat": "feline"})
    campaign.revise(["feline", "dog", "cat"])
    assert tell_sheet(campaign, path) == Told({}, 0, 1, ("a",), 0)
    assert campaign.state.labels() == {"a": "feline", "b": "dog"}


def test_a_row_changed_to_what_its_annotator_says_already_is_named(campaign: Campaign, sheet: Sheet) -> None:
    campaign.tell({"a": "cat"}, annotator="anna")
    campaign.tell({"a": "dog"}, annotator="ben")
    before = campaign.state.position
    path = sheet("a,cat,,anna; ben", header=ITEMS)
    assert tell_sheet(campaign, path, annotator="anna") == Told({}, 0, 0, (), 0, outvoted=("a",))
    assert campaign.state.position == before
    assert tell_sheet(campaign, path, annotator="ben") == Told({"cat": 1}, 0, 0, (), 0)
    assert campaign.state.label("a") == "cat"
