"""Create the virtual environment `.venv` with the locked packages: by uv, or by pip without uv.

Run by `make setup` with any Python 3.8 or later; imports the standard library alone.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
BOOTSTRAP = ROOT / ".bootstrap"
OF_LABGRID = ROOT / ".labgrid"
LOCK = "requirements.lock"
EXTRAS = ("dev", "docs", "joulescope", "s3")
UV = "uv==0.13.9"
"""Creates the environment in seconds, and brings Python 3.11 where the system has none that fits."""
LABGRID = "labgrid==26.0.1"
"""Shares boards between users and hosts; its protobuf 6 and its pyserial exclude it from `.venv`."""
_FITTING = "3 11"  # TensorFlow 2.15 has no wheels for later ones
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
}
"""Environment variables of uv by the name of pip's option."""
_COMMA = ("UV_FIND_LINKS",)  # uv separates their values by commas, the others' by blanks


class SetupFailed(Exception):
    """A failure whose message says what to do."""


def main(argv: list[str] | None = None) -> int:
    """Create the environment and return the exit code."""
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="", help="the interpreter (default: one that fits, or uv's)")
    parser.add_argument("--gpu", action="store_true", help="install torch's CUDA build")
    parser.add_argument(
        "--labgrid", action="store_true", help="install labgrid beside an existing environment"
    )
    parser.add_argument("--lock", action="store_true", help=f"write {LOCK} anew, from pyproject.toml")
    arguments = parser.parse_args(argv)
    try:
        if arguments.lock:
            lock()
        elif arguments.labgrid:
            install_labgrid()
        else:
            create(arguments.python, arguments.gpu)
    except SetupFailed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 2
    return 0


def create(python: str, gpu: bool) -> None:
    """Create the environment and install Earshot with its locked packages into it.

    Args:
        python: path or name of the interpreter; "" takes the system's if it fits, else uv's Python 3.11.
        gpu: whether torch's CUDA build is wanted.

    Raises:
        SetupFailed: the checkout is read-only, no interpreter fits, or a package cannot be had.
    """
    if not os.access(ROOT, os.W_OK):
        raise SetupFailed(f"you may not write to {ROOT}. Clone Earshot into a folder of your own.")
    if python and not fits(python):
        raise SetupFailed(f"{python} is not Python 3.11, which TensorFlow 2.15 needs. Choose another.")
    interpreter = python or next(filter(fits, ("python3.11", "python3")), "")
    uv = find_uv()
    if uv is None:
        install_with_pip(interpreter)
        return
    environment = {**uv_environment(pip_options(interpreter)), **os.environ}
    run = [uv, "venv", "--quiet", "--allow-existing", "--python", interpreter or "3.11", str(VENV)]
    if subprocess.run(run, env=environment).returncode:
        raise SetupFailed(
            "there is no Python 3.11, and uv could not download one. "
            "Install one, or name it: make run PYTHON=/path/to/python3.11"
        )
    install = [uv, "pip", "install", "--quiet", "--python", str(VENV / "bin" / "python")]
    install += [
        "--constraints",
        LOCK,
        *torch_backend(environment, gpu),
        "--editable",
        f".[{','.join(EXTRAS)}]",
    ]
    if subprocess.run(install, env=environment, cwd=ROOT).returncode:
        raise SetupFailed(
            "a package could not be installed: see above. Check the network, then run it again."
        )


def lock() -> None:
    """Write the lock file anew with the newest packages that pyproject.toml allows.

    Raises:
        SetupFailed: uv cannot be had, or finds no such packages; the file is kept.
    """
    uv = find_uv()
    if uv is None:
        raise SetupFailed("uv cannot be downloaded. Check the network, then run it again.")
    environment = {**uv_environment(pip_options("python3")), **os.environ}
    resolve = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--python-version",
        "3.11",
        *torch_backend(environment, False),
    ]
    resolve += [f"--extra={extra}" for extra in EXTRAS]
    resolve += ["--no-header", "--no-annotate"]
    found = subprocess.run(
        [*resolve, "pyproject.toml"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if found.returncode:
        raise SetupFailed(f"uv found no packages for pyproject.toml: see above. {LOCK} was kept.")
    (ROOT / LOCK).write_text(found.stdout.replace("+cpu", ""))  # the same lock holds for torch's CUDA build


def fits(python: str) -> bool:
    """Return whether an interpreter is there and of a version that the packages are made for."""
    path = shutil.which(python)
    if path is None:
        return False
    code = "import sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [path, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
        )
    except OSError:  # such as a program for another processor
        return False
    return answer.returncode == 0 and answer.stdout.strip() == _FITTING


def find_uv() -> str | None:
    """Return uv's path: the user's if new enough, or one from PyPI in `.bootstrap`; None if there is none."""
    found = shutil.which("uv")
    if found and "--torch-backend" in _help_of(found):
        return found
    uv = BOOTSTRAP / "bin" / "uv"
    if uv.exists():
        return str(uv)
    steps = (
        [sys.executable, "-m", "venv", str(BOOTSTRAP)],
        [*_pip(BOOTSTRAP), UV],
    )
    for step in steps:
        answer = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if answer.returncode:
            shutil.rmtree(BOOTSTRAP, ignore_errors=True)
            reason = answer.stdout.strip().splitlines()[-1:] or [f"{step[0]} failed"]
            print(
                f"setup: uv cannot be installed ({reason[0]}); using pip, which takes longer",
                file=sys.stderr,
            )
            return None
    return str(uv)


def _help_of(uv: str) -> str:
    command = [uv, "pip", "install", "--help"]
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:  # such as a program for another processor
        return ""
    return answer.stdout.decode(errors="replace")


def install_with_pip(interpreter: str) -> None:
    """Create the environment and install the packages with pip.

    Raises:
        SetupFailed: no interpreter fits, or a package cannot be had.
    """
    if not interpreter:
        raise SetupFailed(
            "there is no Python 3.11, and no uv to bring one. "
            "Install one, or name it: make run PYTHON=/path/to/python3.11"
        )
    if subprocess.run([interpreter, "-m", "venv", str(VENV)]).returncode:
        raise SetupFailed(
            f"{interpreter} could not create {VENV}: see above. Install its venv module, then run it again."
        )
    if subprocess.run([*_pip(VENV), "-c", LOCK, "--editable", f".[{','.join(EXTRAS)}]"], cwd=ROOT).returncode:
        raise SetupFailed(
            "a package could not be installed: see above. Check the network, then run it again."
        )


def _pip(environment: Path) -> list[str]:
    """Return the command that installs into an environment; the script `pip` fails in a folder with `$`."""
    python = str(environment / "bin" / "python")
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def install_labgrid() -> None:
    """Install labgrid into an environment of its own, and its commands beside Earshot's.

    Raises:
        SetupFailed: a package cannot be had.
    """
    python = VENV / "bin" / "python"
    environment = {**uv_environment(pip_options(str(python))), **os.environ}
    steps = [[str(python), "-m", "venv", str(OF_LABGRID)]]
    if uv := find_uv():
        steps.append(
            [uv, "pip", "install", "--quiet", "--python", str(OF_LABGRID / "bin" / "python"), LABGRID]
        )
    else:
        steps.append([*_pip(OF_LABGRID), LABGRID])
    for step in steps:
        if subprocess.run(step, env=environment).returncode:
            raise SetupFailed(
                "labgrid could not be installed: see above. Check the network, then run it again."
            )
    for command in (OF_LABGRID / "bin").glob("labgrid-*"):
        link = VENV / "bin" / command.name
        link.unlink(missing_ok=True)
        link.symlink_to(command)


def pip_options(interpreter: str) -> dict[str, str]:
    """Return pip's configuration by option name, of its files and environment variables.

    Debian's python3 has no pip: then that of uv's own environment, or of the interpreter, reads it.
    """
    for python in (sys.executable, str(BOOTSTRAP / "bin" / "python"), interpreter):
        command = [python, "-m", "pip", "--disable-pip-version-check", "config", "list"]
        if shutil.which(python):
            answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if answer.returncode == 0:
                return parse_pip_config(answer.stdout)
    return {}


def parse_pip_config(text: str) -> dict[str, str]:
    """Parse `pip config list`: environment variables win over "install.", these over "global."."""
    ranks = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, str] = {}
    rank_of: dict[str, int] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(global|install|:env:)\.([\w-]+)=(['\"])(.*)\3", line.strip())
        if match and ranks[match[1]] >= rank_of.get(match[2], 0):
            found[match[2]] = match[4].replace("\\n", " ").strip()
            rank_of[match[2]] = ranks[match[1]]
    return found


def uv_environment(options: dict[str, str]) -> dict[str, str]:
    """Return the environment variables that give uv what pip is configured with."""
    environment = {}
    for option, name in _UV_NAMES.items():
        values = options.get(option, "").split()
        if values:
            environment[name] = ("," if name in _COMMA else " ").join(values)
    if "UV_INDEX" in environment:
        environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip takes all indexes as equals
    return environment


def torch_backend(environment: dict[str, str], gpu: bool) -> list[str]:
    """Return uv's option for the build of torch; none where the user's own index or wheel folder decides."""
    if gpu:
        return ["--torch-backend", "auto"]
    if any(
        environment.get(name)
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_TORCH_BACKEND")
    ):
        return []
    return ["--torch-backend", "cpu"]


if __name__ == "__main__":
    sys.exit(main())
