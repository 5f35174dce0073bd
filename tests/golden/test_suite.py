"""The suite says what it has left out."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import shutil
import pytest

@pytest.mark.parametrize("one", range(3))
def test_of_a_page(one, request):
    pytest.skip("needs Chromium: apt-get install chromium")

@pytest.mark.parametrize("one", range(9))
def test_of_a_set(one):
    pytest.skip(f"needs the data set {one}")

def test_of_nothing():
    pass
"""


def test_each_reason_to_skip_is_said_once_with_what_to_do(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_some.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if "skip" in line]
    assert lines[0] == "3 skipped: needs Chromium: apt-get install chromium"
    assert len([line for line in lines if line.startswith("1 skipped: needs the data set")]) == 5
    assert "and 4 other reasons to skip: pytest -rs" in lines
    assert "1 passed, 12 skipped" in lines[-1]
