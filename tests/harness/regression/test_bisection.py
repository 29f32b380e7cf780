"""Bisections of small histories whose commits report a figure of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_runs import FLASH
from reported import reported
from small_history import MODULE, SmallHistory

from harness.errors import UsageError
from harness.layout import ROOT
from harness.link.deadline import Deadline
from harness.records.verdict import SeriesName
from harness.runs.bisection import bisect


@pytest.fixture
def history(tmp_path):
    (tmp_path / "history").mkdir()
    return SmallHistory(tmp_path / "history")


def found_in(history, good, bad, series=FLASH):
    """Return the subjects of the found commits, and the log."""
    with reported() as log:
        found = bisect(good, bad, series, repository=history.folder)
    return [line.partition(": ")[2] for line in found], "\n".join(log)


def test_the_first_commit_with_another_value_is_found_and_an_unmeasurable_one_skipped(history):
    commits = history.commits(100, 100, "an error in the sources", 100, 104, 109)
    found, log = found_in(history, commits[0], commits[-1])
    assert found == ["commit 4"]
    assert "by Ann Author, " in log and ": commit 4: 104 bytes" in log
    assert "commit 2: skipped, build: an error in the sources" in log


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        (MODULE, None, "has no harness.runs.measure_commit"),
        (MODULE, "import harness.layout", "No module named 'harness.layout'"),  # not the installed Earshot's
        ("claims", "f" * 40, f"the code of commit {'f' * 40} measured"),
    ],
)
def test_a_commit_is_measured_by_its_own_code_or_skipped(history, file, text, reason):
    first = history.commit(100, "before")
    kept = (history.folder / MODULE).read_text()
    (history.folder / file).unlink(missing_ok=True)
    if text:
        (history.folder / file).write_text(text)
    history.commit(100, "changed")
    (history.folder / "claims").unlink(missing_ok=True)
    (history.folder / MODULE).write_text(kept)
    bad = history.commit(104, "after")
    found, log = found_in(history, first, bad)
    assert reason in log
    assert sorted(found) == ["after", "changed"]


def test_checkout_and_bisection_of_the_user_stay_and_git_variables_are_ignored(
    history, tmp_path, monkeypatch
):
    commits = history.commits(100, 100, 104, 104)
    (history.folder / "harness" / "__init__.py").write_text("# in the middle of something\n")
    (history.folder / "new").write_text("not committed\n")
    history.git("add", "new")
    history.git("bisect", "start", commits[3], commits[0])  # checks another commit out, and keeps changes
    before = history.state()
    subprocess.run(["git", "init", "--quiet", tmp_path / "other"], check=True)
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        hook.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
        assert found_in(history, commits[0], commits[3])[0] == ["commit 2"]
    assert history.state() == before


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ("HEAD", "HEAD~1", "is not an ancestor of"),
        ("nowhere", "HEAD", "there is no commit 'nowhere'"),
        ("HEAD~1", "--help", "there is no commit '--help'"),
        ("HEAD~3", "HEAD", "build: no compiler"),
        ("HEAD~2", "HEAD~1", "is 104 bytes at both commits"),
    ],
)
def test_an_impossible_bisection_is_refused(history, good, bad, reason):
    history.commits("no compiler", 104, 104, 100)
    with pytest.raises(UsageError, match=reason):
        found_in(history, good, bad)


def test_an_unmeasured_series_is_refused_with_the_measured_ones(history):
    history.commits(100, 104)
    with pytest.raises(UsageError, match=rf"one block has no tiny/.*, it measures .*{FLASH}"):
        found_in(history, "HEAD~1", "HEAD", SeriesName("tiny", "codegen", "heard", "pcm"))


_BISECT = """
import sys
from pathlib import Path
from harness.records.verdict import SeriesName
from harness.runs.bisection import bisect
from harness.runs.interruption import sigterm_interrupts

with sigterm_interrupts():
    bisect("HEAD~2", "HEAD", SeriesName.parse(sys.argv[1]), repository=Path(sys.argv[2]))
"""


def test_an_interrupted_bisection_leaves_no_process_and_no_file(history, tmp_path):
    began, scratch = tmp_path / "began", tmp_path / "scratch"
    scratch.mkdir()
    history.commits(100, f"hangs {began}", 104)
    stopped = subprocess.Popen(
        [sys.executable, "-c", _BISECT, str(FLASH), history.folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    deadline = Deadline(600)
    while not (began.exists() and began.read_text()) and not deadline.expired:
        time.sleep(0.02)
    stopped.send_signal(signal.SIGTERM)
    assert b"KeyboardInterrupt" in stopped.communicate(timeout=600)[1]
    measuring = Path("/proc") / began.read_text() / "stat"
    while measuring.exists() and measuring.read_text().split()[2] != "Z" and not deadline.expired:
        time.sleep(0.02)
    assert not deadline.expired
    assert [*scratch.iterdir()] == []
