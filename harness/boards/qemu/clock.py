"""Clocks of the emulated board: modeled cycles, or instructions on request."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.boards.qemu.tools import Qemu
from harness.errors import BuildFailed
from harness.firmware import toolchain
from harness.firmware.toolchain import find_tool, run_tool
from harness.layout import SKETCHES
from models.scratch import ScratchFolder
from models.store import Store

CYCLE_MODEL = SKETCHES / "cycle_model"
MODEL_VERSION = 6
"""Raise it when the cycle model counts anything differently: figures of two versions share no series."""

COUNTERS_FILE, PROFILE_FILE = "cycles", "profile"
_COUNTERS_BYTES = 24  # Counters in sketches/cycle_model/plugin.c
_PLUGIN = "cycle_model.so"
_FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-fPIC", "-fvisibility=hidden", "-shared")
_PLUGIN_API = 5
"""Newest version of QEMU's plugin interface that the plugin is written for (QEMU 10.1)."""
_SUPPORTED_API = re.compile(r"supports only up to version (\d+)")
_PROBE_SECONDS = 20.0  # takes 0.1 s on an idle machine


@dataclass(frozen=True)
class TimingParameters:
    """Parameters of the cycle model where the processor's manual leaves a range, or the chip a choice.

    sketches/cycle_model/README.md gives the source of each default.

    Attributes:
        icache: True if the instruction cache is on, which holds all code.
        wait_states: cycles that an access to flash waits: a load of data, and a fetch without the cache.
    """

    icache: bool = True
    wait_states: int = 2


@dataclass(frozen=True)
class ProfilePoints:
    """Addresses of an image for a profile, see sketches/cycle_model/call_profile.h.

    Attributes:
        mark: the function by which the sketch reads the cycles.
        calls: start and end of the function whose calls are numbered.
    """

    mark: int
    calls: tuple[int, int]


class Clock:
    """The way in which the emulated board's time passes: by default one cycle per instruction.

    Attributes:
        unit: as the record names it.
    """

    unit = "instructions"

    @property
    def identity(self) -> str:
        """One word for everything that changes figures; part of the board's identity."""
        return "instructions"

    @property
    def details(self) -> dict[str, str]:
        """Assumptions, for the record."""
        return {"cycle model": "not in use: --clock instructions", "instruction cache": "none"}

    def prepare(self, folder: Path) -> None:
        """Put the clock's files into the emulator's working folder; none to count instructions."""

    def arguments(self, core_address: int) -> list[str]:
        """Return QEMU's arguments; code from `core_address` on is not counted."""
        # 64 ns of the machine's time per instruction (clock.cpp), and none while it waits for the host
        return ["-icount", "shift=6,sleep=off"]


@dataclass(frozen=True)
class CycleClock(Clock):
    """A clock of modeled Cortex-M4 cycles, counted by the plugin at `plugin`.

    With `profile`, it also writes `PROFILE_FILE`.
    """

    plugin: Path
    timing: TimingParameters
    profile: ProfilePoints | None = None

    unit = "modeled cycles"

    @property
    def identity(self) -> str:
        words = [f"cycles{MODEL_VERSION}", f"flash{self.timing.wait_states}"]
        return "-".join(words + ["icache"] * self.timing.icache)

    @property
    def details(self) -> dict[str, str]:
        return {
            "cycle model": f"version {MODEL_VERSION}, Arm's Cortex-M4 instruction timing",
            "cycle model build": self.plugin.parent.name,  # stored sessions depend on the plugin's sources
            "instruction cache": self._icache,
            "flash wait states": f"{self.timing.wait_states}, of data"
            + ("" if self.timing.icache else " and instructions"),
        }

    @property
    def _icache(self) -> str:
        return "on" if self.timing.icache else "off"

    def prepare(self, folder: Path) -> None:
        (folder / COUNTERS_FILE).write_bytes(bytes(_COUNTERS_BYTES))

    def arguments(self, core_address: int) -> list[str]:
        settings = {
            "counter": COUNTERS_FILE,
            "icache": self._icache,
            "wait_states": str(self.timing.wait_states),
            "uncounted": hex(core_address),
        }
        if self.profile:
            settings |= {"profile": PROFILE_FILE, "mark": hex(self.profile.mark)}
            settings |= zip(("calls_from", "calls_end"), map(hex, self.profile.calls), strict=True)
        plugin = str(self.plugin).replace(",", ",,")
        return ["-plugin", ",".join([plugin, *(f"{name}={value}" for name, value in settings.items())])]


def choose_clock(qemu: Qemu, store: Store, timing: TimingParameters) -> Clock:
    """Return a clock of modeled cycles, with the plugin built for the interface that QEMU states.

    Raises:
        BuildFailed: there is no C compiler, or QEMU refuses the plugin.
    """
    clock = CycleClock(build_plugin(store, _PLUGIN_API), timing)
    refusal = _refusal(qemu, clock)
    if older := _SUPPORTED_API.search(refusal):
        clock = CycleClock(build_plugin(store, int(older[1])), timing)
        refusal = _refusal(qemu, clock)
    if refusal:
        raise BuildFailed(
            refusal,
            remedy="Install QEMU 7.2 to 10.1 with TCG plugins (those of Debian and Ubuntu have them), or ask "
            "for `--clock instructions`.",
        )
    return clock


def build_plugin(store: Store, api: int) -> Path:
    """Compile the cycle model for a version of QEMU's plugin interface, once.

    Raises:
        BuildFailed: there is no C compiler, or the disk is full.
    """
    compiler = find_tool("gcc", "gcc libc6-dev")
    flags = [*_FLAGS, f"-DQEMU_PLUGIN_API_VERSION={api}"]
    inputs = {"sources": CYCLE_MODEL, "flags": flags, "compiler": compiler.version}

    def make(folder: Path) -> None:
        run_tool(compiler, [*flags, *sorted(CYCLE_MODEL.glob("*.c")), "-o", folder / _PLUGIN], folder)

    with toolchain.disk_full_is_a_failed_build():
        title = f"compile the cycle model for version {api} of QEMU's plugins"
        return store.build("cycle_model", inputs, make, title=title, shared=False) / _PLUGIN


@cache  # boards are made by the dozen, and a probe takes as long as a short block
def _refusal(qemu: Qemu, clock: CycleClock) -> str:
    """Start QEMU without a machine; return why it refuses the plugin, "" if it loads the plugin."""
    with ScratchFolder("probe") as folder:
        clock.prepare(folder)
        command = [qemu.path, "-M", "none", "-display", "none", "-monitor", "stdio", *clock.arguments(0)]
        try:
            answer = subprocess.run(
                command,
                cwd=folder,
                input="quit\n",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PROBE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"{qemu.version} does not exit within {_PROBE_SECONDS:g} s when it loads the plugin"
    if answer.returncode == 0:
        return ""
    message = re.sub(r"/\S*/", "", answer.stderr.strip())  # no paths: records store this message
    return f"{qemu.version} refuses the plugin: {message or f'it ended with status {answer.returncode}'}"
