"""The cycle model compared with Arm's manual, for small pieces of code on the emulated board.

The expected figures are calculated by hand from "Cortex-M4 Technical Reference Manual" (DDI 0439), tables 3-1
and 7-1 and section 3.3.2, as cycles and cycles of pipeline refills apart. A body begins 6 bytes behind a
multiple of 64: a 32-bit target of a branch that lies across two words is fetched one cycle longer.
"""

from __future__ import annotations

from functools import cache

import pytest
from board_program import PRINT, Terminal, clock_of, image_of
from other_qemu import newer_qemu, one_instruction_per_block

from harness.boards.qemu.clock import TimingParameters
from harness.boards.qemu.machine import Machine
from harness.boards.qemu.tools import Qemu, find_qemu

FLASH_WAITS = 2

# Before each: r5 = 0, r6 = 1, r7 = r8 = a buffer whose fifth word is its own address.
CASES = {
    "data processing": ("adds r0, r6, #1; ands r0, r6; lsls r0, r6, #3; mvns r0, r6", 4, 0),
    "data processing, wide": (
        "add.w r0, r6, r5, lsl #2; movw r0, #1234; ubfx r0, r6, #1, #3; clz r0, r6",
        4,
        0,
    ),
    "comparison": ("cmp r6, #1; tst r6, r5; cmn.w r6, #1; teq r6, r5", 4, 0),
    "saturation, packing": (
        "ssat r0, #8, r6; usat r0, #8, r6; pkhbt r0, r5, r6; sxtab16 r0, r5, r6; rev r0, r6",
        5,
        0,
    ),
    "parallel arithmetic": (
        "sadd16 r0, r5, r6; qadd r0, r5, r6; uxtb r0, r6; sel r0, r5, r6; usad8 r0, r5, r6",
        5,
        0,
    ),
    "hints and barriers": ("nop; nop.w; dsb; isb", 4, 0),
    "multiplication": ("mul r0, r6, r6; mla r0, r6, r6, r5; mls r0, r6, r6, r5; muls r6, r6", 4, 0),
    "long multiplication": (
        "smull r0, r1, r6, r6; umull r0, r1, r6, r6; smlal r0, r1, r6, r6; umaal r0, r1, r6, r6",
        4,
        0,
    ),
    "double multiplication": (
        "smlad r0, r6, r6, r5; smuad r0, r6, r6; smlald r0, r1, r6, r6; smmul r0, r6, r6",
        4,
        0,
    ),
    "division": ("sdiv r0, r6, r6; udiv r0, r6, r6", 14, 0),
    "load": ("ldr r0, [r7]; nop; ldr.w r0, [r7, #8]", 5, 0),
    "load of parts": (
        "ldrb r0, [r7]; nop; ldrh r0, [r7]; nop; ldrsb r0, [r7, r5]; nop; ldrsh.w r0, [r7]",
        11,
        0,
    ),
    "load with shifted index": ("ldr.w r0, [r7, r5, lsl #2]; nop; ldrb.w r0, [r7, r5]", 5, 0),
    "load of a constant": ("ldr r0, =0x12345678; nop; ldr.w r0, =0x12345678", 5 + 2 * FLASH_WAITS, 0),
    "loads in a row": ("ldr r0, [r7]; ldr r1, [r7, #4]; ldr.w r2, [r7, #8]; ldrb r3, [r7]", 5, 0),
    "manual: LDR R0,[R1]; LDR R1,[R2]": ("ldr r0, [r7]; ldr r1, [r8]", 3, 0),
    "manual: LDR R0,[R1,R2]; STR R0,[R3,#20]": ("ldr r0, [r7, r5]; str.w r0, [r8, #20]", 3, 0),
    "manual: LDR R0,[R1,R2]; STR R1,[R3,R2]": ("ldr r0, [r7, r5]; str.w r6, [r8, r5]", 3, 0),
    "manual: LDR R0,[R1,R5]; LDR R1,[R2]; LDR R2,[R3,#4]": (
        "ldr r0, [r7, r5]; ldr r1, [r8]; ldr r2, [r8, #4]",
        4,
        0,
    ),
    "load from the address just loaded": ("ldr r0, [r7, #16]; ldr r1, [r0]", 4, 0),
    "load with writeback": ("ldr r0, [r8], #4; nop; ldr r0, [r8, #4]!", 5, 0),
    "address just computed": ("add.w r0, r7, #4; ldr r1, [r0]", 4, 0),
    "address computed before": ("add.w r0, r7, #4; nop; ldr r1, [r0]", 4, 0),
    "address just computed, store": ("add.w r0, r7, #4; str r1, [r0]", 3, 0),
    "store": ("str r6, [r7]; str r6, [r7, #4]; strb r6, [r7]; strh.w r6, [r7, #2]", 4, 0),
    "store with index": ("str r6, [r7, r5]; nop; strb.w r6, [r7, r5]", 5, 0),
    "load after store": ("str r6, [r7]; ldr r0, [r7]", 3, 0),
    "two words": ("ldrd r0, r1, [r7]; strd r0, r1, [r7]", 6, 0),
    "multiple words": ("ldmia.w r7, {r0-r3}; stmia.w r7, {r0-r3}", 10, 0),
    "multiple words, narrow": ("mov r0, r7; nop; ldmia r0!, {r1, r2}; stmia r0!, {r1, r2}", 8, 0),
    "push and pop": ("push {r0-r3}; pop {r0-r3}", 10, 0),
    "push and pop of high registers": ("push {r0, r8, lr}; pop {r0, r8, lr}", 8, 0),
    "exclusive access": ("ldrex r0, [r7]; nop; strex r1, r0, [r7]", 5, 0),
    "branch": ("b 1f; nop; 1: nop", 2, 1),
    "branch, wide": ("b.w 1f; nop; 1: nop", 2, 1),
    "call and return": ("bl 2f; b 3f; 2: bx lr; 3:", 3, 6),
    "call of an address": ("adr r0, 2f; adds r0, #1; blx r0; b 3f; .balign 4; 2: bx lr; 3:", 5, 6),
    "return by POP": ("bl 2f; b 3f; 2: push {lr}; pop {pc}; 3:", 6, 5),
    "return by LDM": ("bl 2f; b 3f; 2: push {r8, lr}; pop.w {r8, pc}; 3:", 8, 5),
    "return by LDR": ("bl 2f; b 3f; 2: push {lr}; ldr pc, [sp], #4; 3:", 6, 6),
    "return by MOV": ("bl 2f; b 3f; 2: mov pc, lr; 3:", 3, 6),
    "conditional branch, taken": ("cmp r6, #1; beq 1f; nop; 1:", 2, 1),
    "conditional branch, not taken": ("cmp r6, #1; bne 1f; nop; 1:", 3, 0),
    "conditional branch, wide, taken": ("cmp r6, #1; beq.w 1f; nop; 1:", 2, 2),
    "CBZ, taken": ("cbz r5, 1f; nop; 1: nop", 2, 1),
    "CBNZ, not taken": ("cbnz r5, 1f; nop; 1: nop", 3, 0),
    "branch to a wide instruction in a word": ("b 1f; 1: add.w r0, r6, #1", 2, 1),
    "branch to a wide instruction across words": ("b 1f; nop; 1: add.w r0, r6, #1", 2, 2),
    "mbed's wait_ns, 5 cycles a turn": ("movs r0, #9; 1: subs r0, #1; nop; nop; bcs 1b", 41, 9),
    "nrfx_coredep.h, 3 cycles a turn": ("movs r0, #10; 1: subs r0, #1; bhi 1b", 21, 9),
    "loop": ("movs r0, #10; 1: subs r0, #1; bne 1b", 21, 9),
    "nested loops": (
        "movs r1, #4; 2: movs r0, #3; 1: subs r0, #1; bne 1b; subs r1, #1; bne 2b",
        1 + 4 * 9,
        4 * 2 + 3,
    ),
    "table branch": ("tbb [pc, r5]; .byte 1, 0; nop", 3 + FLASH_WAITS, 2),
    "table branch of halfwords": ("tbh [pc, r5, lsl #1]; .hword 1; nop", 3 + FLASH_WAITS, 2),
    "IT after a narrow instruction": ("cmp r6, #1; it eq; moveq r0, r6", 2, 0),
    "IT after a wide instruction": ("cmp.w r6, #1; it eq; moveq r0, r6", 3, 0),
    "IT, one of two executed": ("cmp r6, #2; ite eq; moveq r0, r6; movne r0, r5", 3, 0),
    "return in an IT, executed": ("bl 2f; b 3f; 2: cmp r6, #1; it eq; bxeq lr; nop; bx lr; 3:", 4, 6),
    "return in an IT, not executed": ("bl 2f; b 3f; 2: cmp r6, #2; it eq; bxeq lr; nop; bx lr; 3:", 6, 6),
    "float": ("vadd.f32 s0, s1, s2; vsub.f32 s3, s4, s5; vmul.f32 s6, s7, s8; vnmul.f32 s9, s10, s11", 4, 0),
    "float, one operand": ("vabs.f32 s0, s1; vneg.f32 s2, s3; vmov.f32 s4, s5; vmov.f32 s6, #1.0", 4, 0),
    "float comparison": ("vcmp.f32 s0, s1; vmrs APSR_nzcv, fpscr; vcmpe.f32 s0, #0.0", 3, 0),
    "float conversion": ("vcvt.f32.s32 s0, s1; vcvt.s32.f32 s2, s3; vcvt.f32.s32 s4, s4, #8", 3, 0),
    "float result used at once": ("vadd.f32 s0, s1, s2; vadd.f32 s3, s0, s1", 3, 0),
    "float result stored at once": ("vadd.f32 s0, s1, s2; vstr s0, [r7]", 4, 0),
    "float result used later": ("vadd.f32 s0, s1, s2; vadd.f32 s4, s5, s6; vadd.f32 s3, s0, s1", 3, 0),
    "multiply-accumulate": (
        "vmla.f32 s0, s1, s2; vfma.f32 s3, s4, s5; vmls.f32 s6, s7, s8; vfnms.f32 s9, s10, s11",
        12,
        0,
    ),
    "multiply-accumulate to the same": ("vmla.f32 s0, s1, s2; vmla.f32 s0, s3, s4", 6, 0),
    "product multiplied at once": ("vmul.f32 s0, s1, s2; vmla.f32 s3, s0, s4", 5, 0),
    "float division": ("vdiv.f32 s0, s1, s2; vdiv.f32 s3, s4, s5", 28, 0),
    "square root": ("vsqrt.f32 s0, s1; vsqrt.f32 s2, s3", 28, 0),
    "float load and store": ("vldr s0, [r7]; vstr s0, [r7, #4]", 4, 0),
    "double load and store": ("vldr d0, [r7]; vstr d0, [r7, #8]", 6, 0),
    "float multiple": ("vldmia r7, {s0-s3}; vstmia r7, {s0-s3}", 10, 0),
    "float push and pop": ("vpush {s16-s19}; vpop {s16-s19}", 10, 0),
    "float to core": ("vmov s0, r6; vmov r0, s0; vmov r0, r1, s0, s1; vmov d0, r0, r1", 6, 0),
    "unaligned halfwords": ("ldrh r0, [r7, #1]; nop; ldrsh.w r0, [r7, #3]; nop; ldrh r0, [r7, #2]", 8 + 2, 0),
    "unaligned words": (
        "ldr.w r0, [r7, #2]; nop; ldr.w r0, [r7, #1]; nop; ldr r0, [r7, r6]",
        8 + 1 + 2 + 2,
        0,
    ),
    "unaligned words of the stack": (
        "sub sp, #8; ldr.w r0, [sp, #2]; nop; ldr r0, [sp, #4]; add sp, #8",
        8 + 1,
        0,
    ),
    "bytes are aligned": ("ldrb r0, [r7, #1]; nop; ldrsb.w r0, [r7, #3]", 5, 0),
    "call into the core": ("bl micros", 1, 3),
}

TABLE = "adr r0, 1f; b 2f; .balign 16; 1: .space 64; 2: "  # 64 bytes of flash, 3 cycles and the refill
FLASH_LOADS = {  # words that wait
    "word": ("ldr r1, [r0]", 1),
    "words of a line": ("ldr r1, [r0]; ldr r1, [r0, #4]; ldr r1, [r0, #12]", 3),
    "words of two lines": ("ldr r1, [r0, #12]; ldr r1, [r0, #16]; ldr r1, [r0, #12]", 3),
    "bytes of a word": ("ldrb r1, [r0]; ldrb r1, [r0, #1]; ldrsh.w r1, [r0, #2]", 3),
    "two words": ("ldrd r1, r2, [r0, #12]", 2),
    "four words": ("ldmia r0, {r0-r3}", 4),
    "float": ("vldr s0, [r0]; vldr d1, [r0, #8]", 3),
    "unaligned word, read as two halfwords in two words": ("ldr.w r1, [r0, #6]", 2),
    "four floats": ("vldmia r0, {s0-s3}", 4),
    "address in a register": ("ldr r1, [r0, r5]; ldr.w r1, [r0], #4", 2),
    "RAM between": ("ldr r1, [r0]; ldr r1, [r7]; ldr r1, [r0]", 2),
    "stores and the stack": ("str r6, [r7]; push {r1, r2}; pop {r1, r2}; ldr r1, [sp, #4]", 0),
}

NARROW = "; ".join(["nop"] * 40)
WIDE = "; ".join(["nop.w"] * 20)
DIVISIONS = "; ".join(["vdiv.f32 s0, s1, s2"] * 4)
WITHOUT_CACHE = {  # with a MOV 4 bytes behind a line's begin before, and a BL of 1 + 2 cycles after
    "narrow code is fetched faster than executed": (NARROW, 1 + 40 + 1 + 2),
    "wide code waits for 5 lines": (WIDE, (2 + 80 + 4 + 2) // 4 + 5 * FLASH_WAITS + 2),
    "slow instructions hide the fetches": (DIVISIONS, 1 + 4 * 14 + 1 + 2),
}
TURNS = 100
LOOPS = {  # cycles a turn with the cache, and without
    "in one line": ("1: subs r0, #1; bne 1b", 3, 3),
    "over a line's end": ("nop; nop; nop; 1: subs r0, #1; bne 1b", 3, 3 + 2 * FLASH_WAITS),
    "of 128 bytes": (  # 32 words in 9 lines; the last one is the refill and the target's wait
        f".balign 4; 1: {'; '.join(['nop.w'] * 31)}; subs r0, #1; bne 1b",
        31 + 3,
        32 + 8 * FLASH_WAITS + 1 + FLASH_WAITS,
    ),
}

FRAME = r"""
  asm volatile(R"(
    .balign 256
    ldr r7, =buffer; mov r8, r7; str r7, [r7, #16]; movs r5, #0; movs r6, #1
    .balign 64
    bl _ZN8emulated10now_cyclesEv
    mov r10, r0
    %s
    bl _ZN8emulated10now_cyclesEv
    sub r0, r0, r10
    ldr r1, =result; str r0, [r1]
    b 9f
    .ltorg
    9:
  )" ::: "r0", "r1", "r2", "r3", "r5", "r6", "r7", "r8", "r10", "r12", "lr", "cc", "memory", "s0", "s1", "s2",
     "s3", "s4", "s6", "s9", "s16", "s17", "s18", "s19");
  print(result, '\n');
"""


@cache
def measured(bodies: tuple[str, ...], timing: TimingParameters, qemu: Qemu | None = None) -> list[int]:
    """Measure the cycles of each piece of code with its frame, all in one start of the board."""
    qemu = qemu or find_qemu()
    frames = [FRAME.replace("%s", body.replace("; ", "\n")) for body in bodies]
    functions = "".join(
        f"__attribute__((noinline)) static void case{n}() {{ {frame} }}\n" for n, frame in enumerate(frames)
    )
    calls = "".join(f"  case{n}();\n" for n in range(len(bodies)))
    source = (
        'extern "C" { volatile uint32_t result; uint32_t buffer[64]; }\n'
        + PRINT
        + functions
        + f"void setup() {{\n  Serial.begin(115200);\n{calls}}}\nvoid loop() {{}}\n"
    )
    machine = Machine(qemu, image_of(source), clock_of(timing, qemu))
    terminal = Terminal(machine.port)
    try:
        return [int(terminal.read_until(b"\n")) for _ in bodies]
    finally:
        terminal.close()
        machine.close()


@pytest.mark.parametrize("name", CASES)
def test_cycles_are_those_of_the_manual(name):
    bodies = tuple(body for body, _, _ in CASES.values())
    cycles = dict(zip(CASES, measured(bodies, TimingParameters()), strict=True))
    _, expected, refills = CASES[name]
    frame = 1 + 1 + 2  # MOV before, BL after
    assert cycles[name] - frame == expected + refills


@pytest.mark.parametrize("name", FLASH_LOADS)
def test_loads_of_data_in_flash_wait(name):
    bodies = tuple(TABLE + body for body, _ in FLASH_LOADS.values())
    timings = (TimingParameters(wait_states=wait_states) for wait_states in (0, FLASH_WAITS))
    without, waiting = (dict(zip(FLASH_LOADS, measured(bodies, timing), strict=True)) for timing in timings)
    assert waiting[name] - without[name] == FLASH_LOADS[name][1] * FLASH_WAITS


@pytest.mark.parametrize("name", WITHOUT_CACHE)
def test_without_the_cache_the_longer_of_fetching_and_executing_counts(name):
    bodies = tuple(body for body, _ in WITHOUT_CACHE.values())
    cycles = measured(bodies, TimingParameters(icache=False, wait_states=2))
    assert dict(zip(WITHOUT_CACHE, cycles, strict=True))[name] == WITHOUT_CACHE[name][1]


@pytest.mark.parametrize("icache", [True, False])
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_waits_for_its_lines_without_the_cache(name, icache):
    bodies = [f"movs r0, #{turns}; {body}" for body, *_ in LOOPS.values() for turns in (TURNS, 2 * TURNS)]
    cycles = measured(tuple(bodies), TimingParameters(icache))
    first = 2 * list(LOOPS).index(name)
    expected = LOOPS[name][1 if icache else 2]
    assert cycles[first + 1] - cycles[first] == TURNS * expected


@pytest.mark.parametrize(
    "timing",
    [TimingParameters(), TimingParameters(icache=False)],
    ids=["cache", "no cache"],
)
@pytest.mark.parametrize("other", ["one instruction per block", "QEMU 10"])
def test_cycles_do_not_depend_on_where_qemu_cuts_straight_code(other, timing, tmp_path):
    qemu = newer_qemu() if other == "QEMU 10" else one_instruction_per_block(tmp_path)
    bodies = tuple(body for body, *_ in [*CASES.values(), *WITHOUT_CACHE.values()])
    assert measured(bodies, timing, qemu) == measured(bodies, timing)
