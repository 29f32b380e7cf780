"""A simulated Nano 33 BLE Sense behind a pseudo terminal, with an instruction cache."""

from __future__ import annotations

from pathlib import Path

from record_lines import record
from simulated_device import Behavior, SimulatedDevice

from harness.firmware.firmware import Firmware


def firmware_in(folder: Path, variant_id: str = "tiny_conv_int8", build_id: str = "89abcdef") -> Firmware:
    """Return an image as arduino-cli exports it, with arbitrary content."""
    folder.mkdir(exist_ok=True)
    image = folder / "earshot.ino.elf"
    for path in (image, image.with_suffix(".bin")):
        path.write_text("an image")
    return Firmware(
        variant_id=variant_id,
        engine="codegen",
        kernels="dsp",
        build_id=build_id,
        model_sha256="0123abcd" * 8,
        image=image,
        flash_bytes=1,
        ram_bytes=1,
        arena_bytes=1,
        sections={},
        optimization="-O2",
        toolchain="gcc",
    )


class SimulatedNano(SimulatedDevice):
    """A board that runs an image until it is closed; `path` is its port.

    Args:
        firmware: the running image.
        icache: state of the instruction cache; "none" for a chip without.

    Attributes:
        obeys: False for a board whose `icache` command has no effect.
    """

    def __init__(self, firmware: Firmware, icache: str = "off") -> None:
        self._runs = firmware
        self.obeys = True
        super().__init__(Behavior(boot=self._boot(icache)))

    def _answer(self, words: list[str]) -> None:
        if words[0] == "icache":
            if self.obeys:
                self.behavior.boot = self._boot(words[1])
            self._send(f"m-icache-[{words[1]}]")
        else:
            super()._answer(words)

    def _boot(self, icache: str) -> bytes:
        image = (self._runs.variant_id, self._runs.model_sha256[:8], self._runs.build_id, self._runs.engine)
        return record("boot", 0, 2, "nano33ble", *image, "dsp", 64_000_000, icache, 9000)
