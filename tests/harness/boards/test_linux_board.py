"""A small Linux computer behind a real sshd: measurement, and each failure in a sentence of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from aarch64 import aarch64_python
from matrix_product import write_matrix_product
from small_disk import small_disk
from ssh_target import HOST, SshTarget

from harness.boards.small_linux import wheels
from harness.boards.small_linux.computer import Computer
from harness.errors import BoardNotFound, ConnectionLost, EarshotError, ProtocolError, Unsupported
from harness.measure.onnx import measure_onnx

INPUTS = np.random.default_rng(2).normal(0, 1, (3, 40)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(0, 0.01, (40, 4)).astype(np.float32)


@pytest.fixture
def target(tmp_path, monkeypatch):
    made = SshTarget(tmp_path / "target")
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "store"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield made
    made.close()


def message(failure: pytest.ExceptionInfo[EarshotError]) -> str:
    text = str(failure.value)
    assert HOST in text and "\n" not in text
    return text


def test_model_is_measured_over_ssh(target, tmp_path):
    target.start()
    target.give_environment()
    computer = Computer(HOST)
    model = write_matrix_product(tmp_path / "some.onnx", WEIGHTS)
    row, output = measure_onnx(model, INPUTS, INPUTS @ WEIGHTS, computer=computer)
    np.testing.assert_allclose(output, INPUTS[0] @ WEIGHTS, atol=1e-6)
    assert len(row.samples_us) == 300 and row.process_peak_bytes
    assert row.onnxruntime == wheels.version() == computer.installed()
    assert [path.name for path in (target.home / ".cache/earshot").iterdir()] == ["environment"]


def test_greeting_of_the_shell_is_no_answer(target, tmp_path):
    """bash reads ~/.bashrc for a command of ssh, too."""
    target.start()
    target.give_environment()
    (target.home / ".bashrc").write_text("echo Welcome to kws-pi\n")
    computer = Computer(HOST)
    assert computer.machine.cores and computer.installed() == wheels.version()
    row, _ = measure_onnx(write_matrix_product(tmp_path / "some.onnx", WEIGHTS), INPUTS, computer=computer)
    assert len(row.samples_us) == 300


def test_answer_that_is_no_description_is_reported(target):
    programs = target.folder / "programs"
    programs.mkdir()
    target.script(programs / "python3", "echo Bye")
    target.start(path=f"{programs}:/usr/bin:/bin")
    with pytest.raises(ProtocolError) as failure:
        Computer(HOST).prepare()
    assert "its answer is not that of Earshot's runner: Bye" in message(failure)


def test_refused_connection_is_reported(target):
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "it refuses connections of SSH" in message(failure) and "systemctl" in message(failure)


def test_unknown_host_is_reported(target):
    with pytest.raises(BoardNotFound) as failure:
        Computer(f"pi@no-such-{HOST}.invalid").prepare()
    assert f"no computer is called no-such-{HOST}.invalid" in message(failure)
    assert "Correct `host`" in message(failure)


def test_key_with_a_passphrase_needs_an_agent(target, monkeypatch):
    key = target.new_key("user", "secret")
    target.start()
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert f"the key {key} has a passphrase, and no agent has it" in message(failure)
    assert f"`ssh-add {key}`" in message(failure)


def test_key_with_a_passphrase_in_an_agent_is_used(target, monkeypatch):
    key = target.new_key("user", "secret")
    target.start()
    target.script(target.bin / "askpass", "echo secret")
    socket = target.folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, text=True)
    try:
        assert agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        asked = {**os.environ, "SSH_ASKPASS": str(target.bin / "askpass"), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", str(key)], env=asked, check=True)
        assert Computer(HOST).machine.cores
    finally:
        agent.kill()
        agent.communicate()


def test_refused_keys_are_reported(target):
    target.start()
    target.new_key("other")
    shutil.copy(target.folder / "other", target.folder / "user")
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "it accepts none of your SSH keys" in message(failure) and "ssh-copy-id" in message(failure)


def test_changed_host_key_is_reported(target):
    target.start()
    target.trust(target.new_key("other").with_suffix(".pub").read_text())
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "its host key is not the one that is known" in message(failure)
    command = re.search("`(ssh-keygen .*)` and connect once", message(failure))
    subprocess.run(command[1], shell=True, check=True)
    with pytest.raises(BoardNotFound, match="its host key is not known yet"):
        Computer(HOST).prepare()


def test_host_key_that_nobody_accepted_is_reported(target):
    target.start()
    target.trust("")
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "its host key is not known yet" in message(failure)


def test_computer_without_python_is_reported(target):
    programs = target.folder / "programs"
    programs.mkdir()
    for name in ("sh", "tar", "mkdir", "mktemp", "rm"):
        (programs / name).symlink_to(shutil.which(name))
    target.start(path=str(programs))
    with pytest.raises(Unsupported) as failure:
        Computer(HOST).prepare()
    assert "there is no python3" in message(failure) and "apt-get install python3" in message(failure)


def test_computer_of_another_architecture_is_reported(target):
    programs = target.folder / "programs"
    programs.mkdir()
    target.script(programs / "python3", 'exec setarch i686 /usr/bin/python3 "$@"')
    target.start(path=f"{programs}:/usr/bin:/bin")
    with pytest.raises(Unsupported) as failure:
        Computer(HOST).prepare()
    assert "not published for programs of i686" in message(failure) and "64-bit" in message(failure)


def test_full_disk_while_the_model_is_copied_is_reported(target, tmp_path):
    environment = target.give_environment().rename(tmp_path / "environment")
    model = write_matrix_product(tmp_path / "large.onnx", np.ones((40, 50_000), np.float32))
    shutil.rmtree(target.home)
    with small_disk(target.home, 1024):
        target.start()
        folder = target.home / ".cache/earshot"
        folder.mkdir(parents=True)
        (folder / "environment").symlink_to(environment)
        with pytest.raises(BoardNotFound) as failure:
            measure_onnx(model, INPUTS, computer=Computer(HOST))
        target.stop()
        assert [path.name for path in folder.iterdir()] == ["environment"]
    assert "the disk is full there" in message(failure) and "~/.cache/earshot" in message(failure)


def test_full_disk_during_the_installation_is_reported(target):
    shutil.rmtree(target.home)
    with small_disk(target.home, 256):
        target.start()
        with pytest.raises(BoardNotFound) as failure:
            Computer(HOST).prepare()
        target.stop()
    assert "the disk is full there" in message(failure) and "install" in message(failure)


@pytest.mark.slow
def test_computer_without_network_and_packages_is_reported(target):
    if not target.namespace:
        pytest.skip("no network namespace is allowed here, so the computer has a network")
    target.start()
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "ONNX Runtime could not be installed there" in message(failure)
    assert "earshot prepare" in message(failure)


@pytest.mark.slow
def test_environment_of_another_version_is_replaced(target, monkeypatch):
    target.start()
    target.give_environment()
    monkeypatch.setattr(wheels, "version", lambda: "0.0.1")
    with pytest.raises(BoardNotFound, match=r"could not be installed there: .*0\.0\.1"):
        Computer(HOST).prepare()


def test_missing_ssh_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardNotFound) as failure:
        Computer(HOST).prepare()
    assert "ssh cannot be run" in message(failure) and "openssh-client" in message(failure)


def test_runner_that_is_killed_is_reported(target, tmp_path):
    """As by the kernel, when the memory is full."""
    target.give_environment('case "$*" in *--model*) kill -9 $$; esac')
    target.start()
    model = write_matrix_product(tmp_path / "some.onnx", WEIGHTS)
    with pytest.raises(ProtocolError) as failure:
        measure_onnx(model, INPUTS, computer=Computer(HOST))
    assert "the runner was killed there" in message(failure) and "memory" in message(failure)


@pytest.mark.slow
def test_network_that_dies_during_a_measurement_is_noticed(target, tmp_path):
    """ssh asks for a sign of life every 5 s, and gives up after three without one."""
    if not target.namespace:
        pytest.skip("no network namespace is allowed here, so its link cannot be cut")
    target.give_environment(f'case "$*" in *--model*) ip link set {target.link} down; esac')
    target.start(path="/usr/sbin:/usr/bin:/bin")
    model = write_matrix_product(tmp_path / "some.onnx", WEIGHTS)
    with pytest.raises(ConnectionLost) as failure:
        measure_onnx(model, INPUTS, computer=Computer(HOST))
    assert "the connection was lost: " in message(failure) and "not responding" in message(failure)


@pytest.mark.slow
def test_packages_are_brought_to_a_computer_without_network(target, tmp_path, capsys):
    from harness import cli

    bench = tmp_path / "bench.toml"
    bench.write_text(f'[board.pi]\nkind = "linux"\nhost = "{HOST}"\n')
    target.start(path="/usr/bin:/bin")
    code = cli.main(["prepare", "pi", "--bench", str(bench)])
    answer = capsys.readouterr()
    if "pip cannot download" in answer.err:
        pytest.skip(answer.err.strip())
    assert code == 0, answer.err
    assert f"ONNX Runtime {wheels.version()}" in answer.out
    model = write_matrix_product(tmp_path / "some.onnx", WEIGHTS)
    row, _ = measure_onnx(model, INPUTS, INPUTS @ WEIGHTS, computer=Computer(HOST))
    assert row.onnxruntime == wheels.version()
    assert {path.name for path in Path(target.home / ".cache/earshot").iterdir()} == {"environment"}


@pytest.mark.slow
def test_outputs_on_aarch64_equal_the_reference(target, tmp_path):
    """By qemu-user, for the outputs only: its times say nothing."""
    plain, with_packages = aarch64_python(tmp_path / "aarch64")
    programs, environment = target.folder / "programs", target.home / ".cache/earshot/environment/bin"
    for folder in (programs, environment):
        folder.mkdir(parents=True)
    target.script(programs / "python3", f'exec {plain} "$@"')
    target.script(environment / "python", f'exec {with_packages} "$@"')
    target.start(path=f"{programs}:/usr/bin:/bin")
    computer = Computer(HOST)
    assert computer.machine.machine == "aarch64"
    model = write_matrix_product(tmp_path / "some.onnx", WEIGHTS)
    row, output = measure_onnx(model, INPUTS, INPUTS @ WEIGHTS, inferences=1, computer=computer)
    np.testing.assert_allclose(output, INPUTS[0] @ WEIGHTS, atol=row.tolerance)
    assert row.onnxruntime == wheels.version() and row.difference <= row.tolerance
