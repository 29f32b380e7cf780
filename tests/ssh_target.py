"""A small Linux computer: an sshd with keys of its own, in another network namespace where possible."""

from __future__ import annotations

import getpass
import os
import shutil
import site
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from free_port import free_port
from started import dies_with_its_parent

from harness.link.deadline import Deadline

HOST = "kws-pi"
"""Name of the computer in the configuration of the user's ssh."""

_START_S = 60.0
_SSHD = "/usr/sbin/sshd"


class SshTarget:
    """A computer that `ssh kws-pi` reaches, and `ssh` itself, a script that gives it its configuration.

    Args:
        folder: for keys, configuration, logs and the home folder there.

    Attributes:
        home: the home folder there.
        bin: folder of `ssh`, `ssh-add` and others, for the front of PATH.
        namespace: its network namespace; "" on the loopback interface of this one.
        link: its network interface in the namespace.
    """

    def __init__(self, folder: Path) -> None:
        if not Path(_SSHD).exists():
            pytest.skip("no sshd: apt-get install openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # an sshd of root demands this folder
        self.folder, self.home, self.bin = folder, folder / "home", folder / "bin"
        for each in (folder, self.home, self.bin):
            each.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.namespace, self.address, self.link = _new_namespace()
        self.port = 2222 if self.namespace else free_port()
        for name in ("host", "user"):
            self.new_key(name)
        self.trust((folder / "host.pub").read_text())
        (folder / "ssh_config").write_text(
            f"Host {HOST}\nHostName {self.address}\nPort {self.port}\nUser {getpass.getuser()}\n"
            f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
            "GlobalKnownHostsFile none\n"
        )
        self.script(self.bin / "ssh", f'exec /usr/bin/ssh -F {folder}/ssh_config "$@"')

    def start(self, path: str = "") -> None:
        """Start the server.

        Args:
            path: PATH there; "" for the usual one.
        """
        environment = f"HOME={self.home}" + (f" PATH={path}" if path else "")
        (self.folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress {self.address}\nHostKey {self.folder}/host\nStrictModes no\n"
            f"UsePAM no\nAuthorizedKeysFile {self.folder}/user.pub\nPidFile none\nSetEnv {environment}\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        )
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        log = self.folder / "sshd.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*dies_with_its_parent(), *inside, _SSHD, "-D", "-e", "-f", self.folder / "sshd_config"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = Deadline(_START_S)
        while self._process.poll() is None and not deadline.expired:
            try:
                socket.create_connection((self.address, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"sshd does not listen: {log.read_text()}")

    def new_key(self, name: str, passphrase: str = "") -> Path:
        """Make a key pair, in place of one of that name."""
        key = self.folder / name
        key.unlink(missing_ok=True)
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(key)]
        subprocess.run(keygen, check=True)
        return key

    def trust(self, public_key: str) -> None:
        """Make this the only key that is known of the host."""
        known = f"[{self.address}]:{self.port} {public_key}" if public_key else ""
        (self.folder / "known_hosts").write_text(known)

    def give_environment(self, before: str = "") -> Path:
        """Make the environment of Earshot there of the packages here; return its folder.

        Args:
            before: for the shell, is run whenever Python is called there with `$@`.
        """
        environment = self.home / ".cache/earshot/environment"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        (packages,) = environment.glob("lib/python*/site-packages")
        (packages / "here.pth").write_text(f"{Path(np.__file__).parents[1]}\n{site.getsitepackages()[0]}\n")
        if before:
            python, real = environment / "bin/python", environment / "bin/real"
            real.symlink_to(python.resolve())
            python.unlink()
            self.script(python, f'{before}\nexec {real} "$@"')
        return environment

    def script(self, path: Path, text: str) -> None:
        """Write a program for the shell."""
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def close(self) -> None:
        self.stop()
        if self.namespace:
            subprocess.run(["ip", "netns", "delete", self.namespace], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _new_namespace() -> tuple[str, str, str]:
    """Make a network namespace that only this host reaches, where that is allowed.

    Returns:
        Its name ("" without one), the address of the computer, and its network interface.
    """
    name, here = f"earshot{os.getpid()}", f"es{os.getpid()}"
    net = f"10.213.{os.getpid() % 250}"
    commands = (
        f"ip netns add {name}",
        f"ip link add {here} type veth peer name {here}x netns {name}",
        f"ip address add {net}.1/24 dev {here}",
        f"ip link set {here} up",
        f"ip -n {name} address add {net}.2/24 dev {here}x",
        f"ip -n {name} link set {here}x up",
    )
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        return "", "127.0.0.1", "lo"
    return name, f"{net}.2", f"{here}x"
