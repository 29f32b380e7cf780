"""OpenSSH's client: its command line, and its failures in one sentence each."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from harness.errors import BoardNotFound

FAILED = 255
"""Exit status of ssh itself; a command that ran there gives its own."""

_OPTIONS = {
    "BatchMode": "yes",  # no questions: a bench has nobody to answer them
    "ConnectTimeout": "15",
    "ServerAliveInterval": "5",  # a computer that lost its power is noticed after 15 s
    "ServerAliveCountMax": "3",
}


def command(host: str, script: str) -> list[str]:
    """Return the command that runs a script in a host's login shell."""
    return ["ssh", *(f"-o{name}={value}" for name, value in _OPTIONS.items()), "-T", host, script]


def last_line(said: str) -> str:
    """Return the last line with text of ssh's messages; "no message" without one."""
    lines = [line.strip() for line in said.splitlines() if line.strip("@ \t\r\n")]
    return lines[-1] if lines else "no message"


def failure(host: str, said: str) -> BoardNotFound:
    """Turn ssh's messages about a failed connection into an error with a remedy."""
    address = host.rpartition("@")[2]
    if "Could not resolve hostname" in said:
        what, remedy = (
            f"no computer is called {address}",
            "Correct `host` in the bench file, or give the name an entry in ~/.ssh/config.",
        )
    elif "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        forget = re.search(r"ssh-keygen .*-R .*\S", said)  # ssh of Debian names the file and the key
        what, remedy = (
            "its host key is not the one that is known, so it may be another computer",
            "If its system was installed anew, run "
            f"`{forget[0] if forget else f'ssh-keygen -R {address}'}` and connect once by hand.",
        )
    elif "Host key verification failed" in said:
        what, remedy = (
            "its host key is not known yet",
            f"Run `ssh {host}` once by hand, and compare the key that it shows.",
        )
    elif "Connection refused" in said:
        what, remedy = (
            "it refuses connections of SSH",
            "Start the SSH server there: systemctl enable --now ssh (raspi-config has it too).",
        )
    elif "Permission denied" in said:
        what, remedy = _of_refused_login(host)
    else:
        what, remedy = (
            f"it cannot be reached: {last_line(said)}",
            f"Check its power and network, then try `ssh {host}` by hand.",
        )
    return BoardNotFound(what, where=host, remedy=remedy)


def _of_refused_login(host: str) -> tuple[str, str]:
    for key in _locked_keys(host):
        return (
            f"the key {key} has a passphrase, and no agent has it",
            f"Run `ssh-add {key}` before: Earshot asks for no passphrase.",
        )
    return (
        "it accepts none of your SSH keys",
        f"Run `ssh-copy-id {host}` once, and check the user's name.",
    )


def _locked_keys(host: str) -> list[str]:
    """Return the keys configured for a host that need a passphrase and that no agent holds."""
    settings = [line.split(maxsplit=1) for line in _answer("ssh", "-G", host)[1].splitlines()]
    held = _answer("ssh-add", "-l")[1]
    locked = []
    for name, *values in settings:
        key = Path(*values).expanduser()
        if name != "identityfile" or not key.is_file():
            continue
        _, _, problem = _answer("ssh-keygen", "-y", "-P", "", "-f", str(key))
        fingerprint = _answer("ssh-keygen", "-l", "-f", str(key))[1].split()[1:2]
        if "passphrase" in problem and not (fingerprint and fingerprint[0] in held):
            locked.append(str(key))
    return locked


def _answer(*command: str) -> tuple[int, str, str]:
    environment = {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env=environment
    )
    return done.returncode, done.stdout, done.stderr
