"""Validation of the cycle model: published benchmarks of Cortex-M4 chips, repeated on the emulated board.

The sources of the benchmarks are not Earshot's: the user names checkouts of the public projects.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.boards.qemu.clock import TimingParameters, choose_clock
from harness.boards.qemu.machine import CLOCK_HZ, Machine
from harness.boards.qemu.tools import find_qemu
from harness.errors import ProtocolError, UsageError
from harness.firmware import arduino_platform
from harness.firmware.arduino_library import ARCHIVE, ArduinoLibrary, archive
from harness.firmware.arm_gcc import build_image, find_compiler
from harness.layout import SKETCHES
from harness.link.deadline import Deadline
from harness.link.serial_link import SerialLink
from models.scratch import ScratchFolder
from models.store import Store

SKETCH = SKETCHES / "validation"
_PORT = SKETCH / "port"
_ENDED = "benchmark ended"
_SECONDS = 300.0
_CYCLES = re.compile(r"(?m)^(\w+) cycles:\n(\d+)$")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark, and what it took on silicon.

    Attributes:
        name: for people.
        project: the public project on GitHub, whose name without owner is the command's option too.
        files: patterns of the sources and headers in a checkout; names are unique.
        flags: of the published build, beyond those of the processor.
        silicon: the chip and its settings.
        timing: the same settings in the cycle model.
        compiler: of the published figures.
        proof: a line that the benchmark prints if its results are right.
        published: cycles by the part that the benchmark prints.
        source: of the published figures.
    """

    name: str
    project: str
    files: tuple[str, ...]
    flags: tuple[str, ...]
    silicon: str
    timing: TimingParameters
    compiler: str
    proof: str
    published: Mapping[str, int]
    source: str

    @property
    def option(self) -> str:
        return self.project.partition("/")[2]


_KEM_COMMON = (
    "mupq/crypto_kem/speed.c",
    "mupq/common/fips202.[ch]",
    "mupq/common/keccakf1600.h",
    "mupq/common/hal.h",
    "mupq/common/sendfn.h",
    "mupq/common/compat.h",
    "mupq/pqclean/common/crypto_declassify.h",
    "mupq/pqclean/common/randombytes.h",
    "common/keccakf1600.S",
)


def _ml_kem(implementation: str, folder: str, namespace: str, *cycles: int) -> Benchmark:
    return Benchmark(
        name=f"ML-KEM-512 {implementation}",
        project="mupq/pqm4",
        files=(*_KEM_COMMON, f"{folder}/*.[chSi]"),
        # mupq/mk/config.mk, with 10 executions
        flags=(
            *("-O3", "-std=gnu99", "-fno-common", "-DMUPQ", "-DPQM4"),
            *("-DMUPQ_ITERATIONS=10", f"-DMUPQ_NAMESPACE={namespace}"),
        ),
        silicon="STM32L4R5 at 20 MHz, no wait states",
        timing=TimingParameters(wait_states=0),
        compiler="GCC 11.3",
        proof="OK KEYS",
        published=dict(zip(("keypair", "encaps", "decaps"), cycles, strict=True)),
        source="pqm4, benchmarks.csv: means of 10 executions",
    )


BENCHMARKS = (
    Benchmark(
        name="CoreMark",
        project="eembc/coremark",
        files=("core_*.c", "coremark.h"),
        # those of Zephyr, which the published log refers to
        flags=(
            *("-O3", "-std=c11", "-ffreestanding", "-fno-common", "-fno-strict-aliasing", "-fno-defer-pop"),
            *("-fno-reorder-functions", "-ffunction-sections", "-fdata-sections", "-DITERATIONS=2000"),
        ),
        silicon="nRF52840 at 64 MHz, instruction cache on",
        timing=TimingParameters(),
        compiler="GCC 12.2",
        proof="Correct operation validated. See README.md for run and reporting rules.",
        published={"iteration": 391_808},
        source="nRF Connect SDK, README of samples/benchmarks/coremark: 2,000 iterations in 12.244 s",
    ),
    _ml_kem("m4fspeed", "crypto_kem/ml-kem-512/m4fspeed", "", 392_423, 390_881, 428_167),
    _ml_kem(
        "clean",
        "mupq/pqclean/crypto_kem/ml-kem-512/clean",
        "PQCLEAN_MLKEM512_CLEAN_",
        *(595_793, 700_605, 888_653),
    ),
)


def modeled_cycles(benchmark: Benchmark, checkout: Path, store: Store) -> dict[str, float]:
    """Build a benchmark and run it on the emulated board; return the mean cycles of each of its parts.

    Args:
        benchmark: one of `BENCHMARKS`.
        checkout: of the benchmark's project, with its submodules.
        store: cache of the cycle model.

    Raises:
        UsageError: the folder is no such checkout.
        BuildFailed: see `find_compiler` and `choose_clock`; or the sources do not compile.
        ProtocolError: the results of the benchmark are wrong, or it does not end.
    """
    with ScratchFolder("validation") as folder:
        image = _build(benchmark, checkout, folder)
        qemu = find_qemu()
        machine = Machine(qemu, image, choose_clock(qemu, store, benchmark.timing))
        try:
            with SerialLink(machine.port) as link:
                printed = "\n".join(_lines(link, Deadline(_SECONDS)))
        finally:
            machine.close()
    parts: dict[str, list[int]] = {}
    for part, cycles in _CYCLES.findall(printed):
        parts.setdefault(part, []).append(int(cycles))
    if benchmark.proof not in printed or "ERROR" in printed or parts.keys() != benchmark.published.keys():
        raise ProtocolError(
            f"the results of {benchmark.name} are wrong",
            where=" | ".join(printed.splitlines()[-4:]),
            remedy=f"Take an unchanged checkout of {benchmark.project}.",
        )
    return {part: fmean(cycles) for part, cycles in parts.items()}


def _lines(link: SerialLink, deadline: Deadline) -> Iterator[str]:
    while (line := link.next_line(deadline).line.decode("ascii", "replace")) != _ENDED:
        yield line


def _build(benchmark: Benchmark, checkout: Path, folder: Path) -> Path:
    """Build the image of a benchmark from a flat copy of its sources."""
    library = ArduinoLibrary(benchmark.option, "", folder)
    library.source_root.mkdir()
    for pattern in benchmark.files:
        found = [path for path in sorted(checkout.glob(pattern)) if path.is_file()]
        if not found:
            raise UsageError(
                f"there is no {pattern} in the checkout of {benchmark.project}",
                where=str(checkout),
                remedy=f"git clone --recursive https://github.com/{benchmark.project}",
            )
        for path in found:
            shutil.copyfile(path, library.source_root / path.name)
    if benchmark.option == "coremark":
        shutil.copytree(_PORT, library.source_root, dirs_exist_ok=True)
    compiler = find_compiler()
    processor = arduino_platform.flags("compiler.machine_flags")
    flags = (*processor, *benchmark.flags, f"-DF_CPU={CLOCK_HZ}", "-Dmain=benchmark_main", "-w")
    assembler = arduino_platform.flags("compiler.S.flags")
    archive(library, compiler, {".c": ("-x", "c", *flags), ".S": (*assembler, *flags)}, folder)
    image = folder / "image.elf"
    build_image(compiler, SKETCH, ["-O2"], image, [(folder / ARCHIVE, library)])
    return image
