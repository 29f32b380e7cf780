"""Benchmarks of real chips, repeated on the emulated board."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from host_library import STORE

from harness.boards.qemu.validation import BENCHMARKS, Benchmark, modeled_cycles
from harness.cli import main
from harness.commands.validate import BOUND
from harness.errors import ProtocolError

pytestmark = pytest.mark.emulated

HEADER = """
#include "core_portme.h"
typedef ee_u32 secs_ret;
void start_time(void), stop_time(void);
CORE_TICKS get_time(void);
secs_ret time_in_secs(CORE_TICKS ticks);
"""
# In place of CoreMark's 2,000 iterations, a loop of 100 NOP, SUBS and BNE: 103 cycles.
PROGRAM = r"""
#include "coremark.h"
int main(void) {
  core_portable port;
  portable_init(&port, 0, 0);
  start_time();
  __asm__ volatile(
      "movw r0, %0\n.p2align 2\n1: .rept 100\nnop\n.endr\nsubs r0, #1\nbne 1b"
      :
      : "i"(ITERATIONS)
      : "r0");
  stop_time();
  ee_printf("Correct operation validated. See README.md for run and reporting rules.\n");
  portable_fini(&port);
  return 0;
}
"""
COREMARK = BENCHMARKS[0]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("EARSHOT_HOME", str(STORE.root))
    (tmp_path / "coremark.h").write_text(HEADER)
    (tmp_path / "core_main.c").write_text(PROGRAM)
    return tmp_path


def test_the_table_has_modeled_and_published_cycles_with_the_error(checkout, capsys):
    assert main(["validate", "--coremark", str(checkout)]) == 3
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[-5:] == ["published", "cycles", "modeled", "cycles", "error"]
    assert row.startswith("CoreMark")
    assert row.split()[-4:] == ["391,808", "103", "−99.97", "%"]


def test_wrong_results_give_no_figure(checkout):
    (checkout / "core_main.c").write_text(PROGRAM.replace("Correct operation validated.", "Errors detected."))
    with pytest.raises(
        ProtocolError, match=r"results of CoreMark are wrong.*Errors detected.*eembc/coremark"
    ):
        modeled_cycles(COREMARK, checkout, STORE)


def test_a_folder_that_is_no_checkout_is_refused_with_the_project(checkout, capsys):
    assert main(["validate", "--pqm4", str(checkout)]) == 2
    assert "git clone --recursive https://github.com/mupq/pqm4" in capsys.readouterr().err


def test_a_checkout_is_required(capsys):
    assert main(["validate"]) == 2
    assert "--coremark or --pqm4" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("benchmark_", BENCHMARKS, ids=lambda one: one.name)
def test_modeled_cycles_are_near_those_of_silicon(benchmark_: Benchmark):
    variable = f"EARSHOT_{benchmark_.option.upper()}"
    if not (folder := os.environ.get(variable)):
        pytest.skip(f"{variable} names no checkout of {benchmark_.project}")
    modeled = modeled_cycles(benchmark_, Path(folder), STORE)
    assert modeled == pytest.approx(benchmark_.published, rel=BOUND)
