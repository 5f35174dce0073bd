"""Put the figures of a benchmark into its page under docs/reproductions.

nextlabel bench experiments/letter.toml --out FOLDER
python docs/reproduce.py letter FOLDER

Between the two marks of docs/reproductions/letter.md stands what this writes: sentence, tables, protocol. The
curves of every seed and their picture are put beside the page. The rest of the page is written by hand.
"""

import gzip
import re
import shutil
import sys
from pathlib import Path

from nextlabel.experiment.bench import load, spent
from nextlabel.experiment.many import are_many, outstanding, specs, summary_of_many
from nextlabel.experiment.sections import tables_of
from nextlabel.experiment.study import Study, study
from nextlabel.experiment.wording import facts
from nextlabel.figures.page import Table

PAGES = Path(__file__).parent / "reproductions"
BEGIN, END = "<!-- made by docs/reproduce.py -->", "<!-- end of what is made -->"


def main(name: str, folder: Path) -> None:
    studies = [study(one, str(one.protocol["setting"])) for one in load(folder)]
    pictures = ["curves"] if len(studies) == 1 else [f"curves-{k}" for k in range(1, len(studies) + 1)]
    is_large = any(are_many(one.results.strategies) for one in studies)
    parts = [written(summary_of_many(studies))] if is_large else []
    for one, picture in zip(studies, pictures, strict=True):
        kept = picture.replace("curves", name)
        shutil.copy(folder / f"{picture}.svg", PAGES / f"{kept}.svg")
        if are_many(one.results.strategies):
            shutil.copy(folder / f"{picture.replace('curves', 'gains')}.svg", PAGES / f"{kept}-gains.svg")
        parts += [f"### {one.name}"] * (len(studies) > 1) + [made(kept, one)]
    parts.append(
        f"Computing took {spent(folder):.0f} seconds by the clock on two cores. Every seed's curve: "
        f"[{name}.csv.gz]({name}.csv.gz)."
    )
    page = PAGES / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    page.write_text("\n\n".join([f"{before}{BEGIN}", *parts, f"{END}{after}"]), encoding="utf-8")
    with gzip.GzipFile(PAGES / f"{name}.csv.gz", "wb", mtime=0) as curves:
        curves.write((folder / "curves.csv").read_bytes())


def made(picture: str, one: Study) -> str:
    is_large = are_many(one.results.strategies)
    protocol = dict(one.results.protocol)
    if is_large:  # a table of their own
        protocol.pop("strategies")
    lines = [f"- {key}: {value}" for key, value in facts(protocol).items()]
    shown = outstanding(one) if is_large else one.results.strategies
    gains = (
        f"![What each strategy gains on {one.baseline} in area: thick, the 95 % interval of the row alone; "
        f"thin, of all rows together]({picture}-gains.svg)"
    )
    parts = [
        f"**{one.sentence()}**",
        *([gains] if is_large else []),
        f"![Learning curves of {', '.join(shown)} with bands of 95 %, and the gain on {one.baseline}]"
        f"({picture}.svg)",
        *map(written, tables_of(one)),
        *([written(specs(one))] if is_large else []),
        "\n".join(lines),
    ]
    return "\n\n".join(parts)


def written(table: Table) -> str:
    """A table as Markdown, its notes below it."""
    lines = [
        f"{table.caption}.",
        "",
        f"| {' | '.join(table.header)} |",
        f"| {' | '.join('---' for _ in table.header)} |",
        *(f"| {' | '.join(row)} |" for row in table.rows),
        "",
        *(f"{re.sub(' +', ' ', note)}  " for note in table.notes),
    ]
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
