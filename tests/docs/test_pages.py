"""The pages tell the truth: their code runs, shown output is printed output, links lead somewhere."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nextlabel.core.registry import REGISTRY

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
Run = Callable[[Path], tuple[int, str]]
WRITTEN_BY_HAND = [page for page in PAGES if page.parent.name != "reference"]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """``run(page)``: the exit code and what is said; one process loads the libraries for all pages."""
    words = [sys.executable, str(ROOT / "docs" / "run.py"), "--serve"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def ask(page: Path) -> tuple[int, str]:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(f"{page}\n")
            server.stdin.flush()
            code, said = json.loads(server.stdout.readline())
            return code, said

        yield ask


@pytest.mark.parametrize("page", [page for page in PAGES if "```" in page.read_text("utf-8")], ids=name)
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page: Path, run: Run) -> None:
    code, said = run(page)
    assert code == 0, said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```python\nprint(2)\n```\n\n```output\n3\n```\n", "page.md:1: shown:\n3"),
        ("```python\nprint('≈0.46')\n```\n```output\n≈0.40\n```\n", "printed:\n≈0.46"),
        ("\n```python\n1 / 0\n```\n", "page.md:2: division by zero"),
        ("```python file=m.py\nx = 1\n```\n```python\nimport m\nassert m.x == 2\n```\n", "page.md:4:"),
        ("```diff file=src/nextlabel/core/registry.py\n nowhere\n+here\n```\n", "are 0 times in registry.py"),
        ("```console\n$ python -c 'print(1)'\n2\n```\n", "shown:\n2"),
        ("```console\n$ nextlabel lst\n```\n", "'nextlabel lst' ended with 2"),
        ("```console shown\n$ nextlabel demo --sedes 3\n```\n", "there is no --sedes"),
        ("```console shown\n$ make dmeo\n```\n", "there is no dmeo"),
        ("```console shown\n$ curl nextlabel\n```\n", "there is no curl"),
    ],
)
def test_a_page_that_does_not_hold_is_found(text: str, says: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    code, said = run(tmp_path / "page.md")
    assert code == 1
    assert says in said


def test_a_page_runs_by_itself_as_the_suite_runs_it() -> None:
    page = ROOT / "docs" / "how-to" / "check-a-strategy.md"
    words = [sys.executable, str(ROOT / "docs" / "run.py"), str(page)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_strategy_has_its_costs() -> None:
    page = (ROOT / "docs" / "reference" / "costs.md").read_text(encoding="utf-8")
    measured = re.findall(r"^\| \[`(\w+)`\]\(.+?\) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert [row[0] for row in measured] == list(REGISTRY["strategy"])
    for said in (cell for row in measured for cell in row[1:]):
        assert re.fullmatch(r"[\d.]+ (µs|ms|s)|not run: (up to|more than) [\d,]+ (s|GB).*", said)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target.partition("#")[0]).exists()] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    seen, new = set[Path](), {ROOT / "docs" / "index.md"}
    while new:
        seen |= new
        linked = {
            (page.parent / target).resolve()
            for page in new & set(PAGES)
            for target in re.findall(r"\]\(([^)#\s]+\.md)\)", page.read_text(encoding="utf-8"))
        }
        new = linked - seen
    assert set(PAGES) <= {*seen, ROOT / "README.md"}


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=name)
def test_words_that_belittle_a_reader_are_avoided(page: Path) -> None:
    assert re.findall(r"\b(simply|just|obviously|of course)\b", page.read_text(encoding="utf-8"), re.I) == []


def test_the_readme_begins_with_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = "\n".join(readme.splitlines()[:40])
    assert first.index("make demo") < first.index("make test") < first.index("select(")


def test_decisions_are_numbered_without_gaps_and_have_the_same_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    parts = ["Situation", "Choices", "Decision", "Consequences", "What would make us reconsider"]
    for page in pages:
        assert re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE) == parts, page.name


def test_every_dependency_has_its_line_in_the_decision() -> None:
    page = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"base": project["dependencies"], **project["optional-dependencies"]}
    for extra, requirements in wanted.items():
        kept = re.search(rf"^\| `{extra}` \| (.*?) \|", page, re.MULTILINE)  # a name kept for later
        for requirement in requirements:
            if requirement.startswith("nextlabel["):  # other extras, which have lines of their own
                assert set(requirement[10:-1].split(",")) <= project["optional-dependencies"].keys()
                continue
            package = re.split(r"[<>=!~]", requirement)[0]
            if extra == "dev" or kept:
                assert package in (kept[1] if kept else page)
            else:
                assert f"| {package} | {'base' if extra == 'base' else f'`{extra}`'} |" in page
