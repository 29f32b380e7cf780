"""The commit that changed a series, in small histories whose commits tell their own figure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_history import FLASH, SmallHistory

from harness import cli
from harness.errors import UsageError
from harness.layout import ROOT
from harness.link.deadline import Deadline
from harness.records.verdict import SeriesName
from harness.regression.wording import bisection_text
from harness.runs.bisect.bisection import bisect


@pytest.fixture
def history(tmp_path):
    (tmp_path / "history").mkdir()
    return SmallHistory(tmp_path / "history")


def found_in(history, good, bad, series=FLASH, said=None):
    return bisect(
        good, bad, series, repository=history.folder, say=said.append if said is not None else print
    )


def test_the_commit_is_named_with_its_author_its_subject_and_both_values(history):
    commits = history.commits(100, 100, 100, 104, 104, 104, 104)
    found = found_in(history, commits[0], "HEAD")
    assert (found.culprit.commit.sha, found.culprit.value, found.good.value) == (commits[3], 104, 100)
    told = bisection_text(found, FLASH)
    assert f"{commits[3]} by Ann Author" in told and told.splitlines()[0].endswith(": commit 3")
    assert "went from 100 bytes to 104 bytes (+4, +4.000%)" in told


@pytest.mark.parametrize("place", [1, 2])
def test_the_first_and_the_last_may_be_it(history, place):
    commits = history.commits(*[100] * place, *[90] * (3 - place))
    assert found_in(history, commits[0], commits[-1]).culprit.commit.sha == commits[place]


def test_a_commit_that_cannot_be_measured_is_skipped_and_told(history):
    commits = history.commits(100, 100, "an error in the sources", 100, 104, 104)
    said = []
    found = found_in(history, commits[0], commits[-1], said=said)
    assert found.culprit.commit.sha == commits[4]
    assert [reading.commit.sha for reading in found.skipped] == [commits[2]]
    assert "(commit 2) was skipped: build: an error in the sources." in bisection_text(found, FLASH)
    assert f"{commits[2][:10]} (commit 2): not measured: build: an error in the sources" in said


def test_where_it_lies_among_commits_that_cannot_be_measured_all_of_them_are_named(history):
    commits = history.commits(100, "no", "no", 104)
    found = found_in(history, commits[0], commits[-1])
    assert found.culprit is None
    assert {commit.sha for commit in found.candidates} == set(commits[1:])
    assert all(sha in bisection_text(found, FLASH) for sha in commits[1:])


@pytest.mark.parametrize("missing", ["gate/one_block.py", "gate"])
def test_a_commit_without_the_module_that_measures_is_skipped(history, missing, tmp_path):
    first = history.commit(100, "before")
    place = history.folder / "harness" / missing
    place.rename(tmp_path / "kept")
    history.commit(100, "without")
    (tmp_path / "kept").rename(place)
    bad = history.commit(104, "after")
    found = found_in(history, first, bad)
    assert "has no harness.runs.bisect.measure_commit" in found.skipped[0].problem


def test_what_a_commit_lacks_is_not_taken_from_the_installed_earshot(history):
    first = history.commit(100, "before")
    module = history.folder / "harness/runs/bisect/measure_commit.py"
    kept = module.read_text()
    module.write_text(f"import harness.layout\n{kept}")
    history.commit(100, "imports what it has not")
    module.write_text(kept)
    bad = history.commit(104, "after")
    assert "No module named 'harness.layout'" in found_in(history, first, bad).skipped[0].problem


def test_a_figure_that_other_code_measured_is_none(history):
    first = history.commit(100, "before")
    (history.folder / "claims").write_text("f" * 40)
    history.commit(100, "measured by another")
    (history.folder / "claims").unlink()
    bad = history.commit(104, "after")
    assert f"the code of {'f' * 40}" in found_in(history, first, bad).skipped[0].problem


def test_a_good_commit_that_has_the_bad_ones_value_is_told_before_anything_is_bisected(history):
    commits = history.commits(104, 100, 104)
    said = []
    with pytest.raises(UsageError, match=r"is 104 bytes at .* and at .* alike"):
        found_in(history, commits[0], commits[-1], said=said)
    assert len(said) == 2


def test_of_several_changes_the_first_is_found_and_the_next_is_told(history):
    commits = history.commits(100, 102, 102, 102, 102, 109)
    found = found_in(history, commits[0], commits[-1])
    assert found.culprit.commit.sha == commits[1]
    told = bisection_text(found, FLASH)
    assert "changed it again, to 109 bytes" in told
    assert f"`earshot bisect {commits[1][:10]} {commits[5][:10]} --series {FLASH}`" in told


def test_everything_of_the_users_stays_as_it_is(history):
    commits = history.commits(100, 100, 104, 104)
    (history.folder / "harness" / "__init__.py").write_text("# in the middle of something\n")
    (history.folder / "new").write_text("not committed\n")
    history.git("add", "new")
    history.git("bisect", "start", commits[3], commits[0])  # checks another commit out, and keeps changes
    before = history.state()
    found_in(history, commits[0], commits[3])
    assert history.state() == before


def test_git_that_was_told_of_another_repository_is_told_of_the_copy(history, tmp_path, monkeypatch):
    commits = history.commits(100, 104, 104)
    subprocess.run(["git", "init", "--quiet", tmp_path / "other"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    assert found_in(history, commits[0], commits[2]).culprit.commit.sha == commits[1]


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("HEAD", "HEAD~1", "was not made on top of"),
        ("HEAD", "HEAD", "was not made on top of"),
        ("nowhere", "HEAD", "there is no commit 'nowhere'"),
        ("HEAD~1", "--help", "there is no commit '--help'"),
        ("HEAD~2", "HEAD", r"\(commit 0\) cannot be measured: build: no compiler"),
    ],
)
def test_what_cannot_be_bisected_is_refused_with_a_sentence(history, good, bad, told):
    history.commits("no compiler", 100, 104)
    with pytest.raises(UsageError, match=told):
        found_in(history, good, bad)


_BISECT = """
import sys
from pathlib import Path
from harness.runs.bisect.bisection import bisect
from harness.runs.interruption import sigterm_interrupts

with sigterm_interrupts():
    bisect("HEAD~2", "HEAD", SeriesName.parse(sys.argv[1]), repository=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_bisection_that_is_told_to_stop_leaves_nothing_running_and_nothing_behind(history, tmp_path, how):
    began, scratch = tmp_path / "began", tmp_path / "scratch"
    scratch.mkdir()
    history.commits(100, f"hangs {began}", 104)
    stopped = subprocess.Popen(
        [sys.executable, "-c", _BISECT, str(FLASH), history.folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
    )
    deadline = Deadline(60)
    while not (began.exists() and began.read_text()) and not deadline.expired:
        time.sleep(0.02)
    stopped.send_signal(how)
    assert b"KeyboardInterrupt" in stopped.communicate(timeout=60)[1]
    measuring = Path("/proc") / began.read_text() / "stat"
    while measuring.exists() and measuring.read_text().split()[2] != "Z" and not deadline.expired:
        time.sleep(0.02)
    assert not deadline.expired
    assert [*scratch.iterdir()] == []


def test_a_folder_without_history_is_refused(tmp_path):
    with pytest.raises(UsageError, match="this is no git checkout"):
        bisect("HEAD~1", "HEAD", FLASH, repository=tmp_path)


def test_a_series_that_one_block_does_not_measure_is_told_with_those_that_it_does(history):
    history.commits(100, 104)
    heard = SeriesName("tiny", "codegen", "heard", "pcm")
    with pytest.raises(UsageError, match=rf"one block has no {heard}, it measures .*{FLASH}"):
        found_in(history, "HEAD~1", "HEAD", heard)


def test_a_series_that_is_none_is_a_usage_error(capsys):
    assert cli.main(["bisect", "HEAD~1", "HEAD", "--series", "tiny"]) == 2
    assert "'tiny' is no series" in capsys.readouterr().err
