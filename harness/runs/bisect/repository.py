"""A checkout's history, and a copy of it to work in: the user's files, index and bisect are left alone."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError

_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""What git tells its hooks, and what would lead it away from the folder it is called in."""

_QUIETLY = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
"""Hooks of the user are for the user's own commits."""


@dataclass(frozen=True)
class Commit:
    """A commit as people know it.

    Attributes:
        sha: 40 hex digits.
        author: name.
        date: ISO 8601.
        subject: the first line of its message.
    """

    sha: str
    author: str
    date: str
    subject: str

    def __str__(self) -> str:
        return f"{self.sha[:10]} ({self.subject})"


class Repository:
    """A git repository and its checkout.

    Args:
        folder: of the checkout.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commit(self, revision: str) -> Commit:
        """What a name stands for: a branch, a tag, a hash, HEAD~3.

        Raises:
            UsageError: there is no such commit here, or this is no git repository.
        """
        if self.call("rev-parse", "--git-dir").returncode:
            raise UsageError(
                "this is no git checkout",
                where=str(self.folder),
                remedy="Clone Earshot with git: what changed between two commits stands in its history.",
            )
        found = self.call("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found.returncode:
            raise UsageError(
                f"there is no commit {revision!r}",
                where=str(self.folder),
                remedy="Fetch it: `git fetch --unshallow` where the history is cut, else `git fetch --all`.",
            )
        shown = self.asked("show", "--no-patch", "--format=%H%n%an%n%aI%n%s", found.stdout.strip())
        return Commit(*shown.split("\n")[:4])

    def is_ancestor(self, older: Commit, newer: Commit) -> bool:
        """Whether the newer one was made on top of the older one."""
        return self.call("merge-base", "--is-ancestor", older.sha, newer.sha).returncode == 0

    def copied_to(self, folder: Path) -> Copy:
        """The same history in another folder, with nothing checked out; objects are not copied.

        Args:
            folder: not there yet.
        """
        self.asked("clone", "--quiet", "--shared", "--no-checkout", str(self.folder), str(folder))
        return Copy(folder)

    def asked(self, *arguments: str) -> str:
        """What git answers.

        Raises:
            UsageError: it fails; the message has what it says.
        """
        answer = self.call(*arguments)
        if answer.returncode:
            raise UsageError(
                f"`git {' '.join(arguments[:2])}` failed: {answer.stderr.strip()[-300:]}",
                where=str(self.folder),
                remedy="Make sure that `git fsck` finds nothing and that the disk has room.",
            )
        return answer.stdout.rstrip("\n")

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Calls git in the checkout.

        Raises:
            UsageError: git is not installed.
        """
        try:
            return subprocess.run(
                ["git", *_QUIETLY, *arguments],
                cwd=self.folder,
                env=own_environment(),
                capture_output=True,
                text=True,
                errors="replace",
            )
        except FileNotFoundError:
            raise UsageError("git is not installed", remedy="Install it: apt-get install git.") from None


class Copy(Repository):
    """One that nobody works in."""

    def check_out(self, commit: Commit) -> None:
        """Its files, without a branch."""
        self.asked("checkout", "--quiet", "--force", "--detach", commit.sha)


def own_environment(**more: str) -> dict[str, str]:
    """The environment without what leads git to another repository, and with something more."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    return {**kept, **more}
