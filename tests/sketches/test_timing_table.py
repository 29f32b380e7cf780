"""The cycle model's decoder compared with the disassembler, for all instructions of libc and libm."""

from __future__ import annotations

import ctypes
import re
import subprocess

import pytest

from harness.boards.qemu.clock import CYCLE_MODEL
from harness.firmware.arm_gcc import find_compiler
from harness.firmware.toolchain import find_tool, run_tool

MACHINE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16")
KINDS = (
    *(
        "unknown",
        "data",
        "other",
        "load",
        "store",
        "store register",
        "multiple",
        "it",
        "branch",
        "jump",
        "branch if",
    ),
    *("table branch", "divide", "float", "float move", "float memory"),
)
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
MNEMONICS = {
    "data": "adc add addw adr and asr bfc bfi bic clz eor lsl lsr mla mls mov movt movw mrs mul mvn neg orn "
    "orr pkhbt pkhtb qadd qsub rbit rev rev16 revsh ror rrx rsb sbc sbfx sel smlad smlal smull ssat sub subw "
    "sxtab sxtah sxtb sxth uadd8 ubfx umaal umlal umull usat uxtab uxtah uxtb uxth",
    "other": "bkpt cmn cmp cpsid cpsie dmb dsb isb msr nop pld sev svc teq tst udf wfe wfi yield",
    "load": "ldr ldrb ldrex ldrh ldrsb ldrsh",
    "store": "str strb strex strh",
    "multiple": "ldm ldmdb ldmia ldrd pop push stm stmdb stmia strd",
    "it": " ".join(f"i{then}" for then in (
        *("t", "tt", "te", "ttt", "tte", "tet", "tee"),
        *("tttt", "ttte", "ttet", "ttee", "tett", "tete", "teet", "teee"),
    )),
    "branch": "bl blx bx",
    "jump": "b",
    "branch if": "cbz cbnz " + " ".join(f"b{condition}" for condition in CONDITIONS),
    "table branch": "tbb tbh",
    "divide": "sdiv udiv",
    "float": "vadd vcvt vcvtr vdiv vfma vfms vfnma vfnms vmla vmls vmul vnmla vnmls vnmul vsqrt vsub",
    "float move": "vabs vcmp vcmpe vmov vmrs vmsr vneg",
    "float memory": "vldm vldmdb vldmia vldr vpop vpush vstm vstmdb vstmia vstr",
}  # fmt: skip
KIND_OF = {mnemonic: kind for kind, names in MNEMONICS.items() for mnemonic in names.split()}
REGISTERS = {f"r{number}": number for number in range(10)}
REGISTERS |= {"sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
CYCLES = {"sdiv": 7, "udiv": 7, "vdiv": 14, "vsqrt": 14, "tbb": 2, "tbh": 2, "ldrd": 3, "strd": 3}
CYCLES |= dict.fromkeys(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"), 3)


def base_of(mnemonic: str) -> str:
    """Remove width, type, flag and condition: "movlt.w" is "mov"."""
    name = mnemonic.split(".")[0]
    for candidate in (name, name.removesuffix("s"), name[:-2], name[:-2].removesuffix("s")):
        if candidate in KIND_OF:
            return candidate
    raise AssertionError(f"unknown mnemonic {mnemonic}")


def mask_of(names: list[str]) -> int:
    """Return core registers as a bit mask."""
    return sum({1 << REGISTERS[name] for name in names if name in REGISTERS})


def words_in(operands: str) -> int:
    """Count the words of a register list in braces."""
    count = 0
    for part in operands[operands.index("{") + 1 : operands.index("}")].split(","):
        first, _, last = part.strip().partition("-")
        step = 2 if first[0] == "d" else 1
        numbers = [REGISTERS[end] if end in REGISTERS else int(end[1:]) for end in (first, last or first)]
        count += step * (numbers[1] - numbers[0] + 1)
    return count


class Instruction(ctypes.Structure):
    """The structure of instruction.h."""

    _fields_ = (
        ("kind", ctypes.c_int),
        ("bytes", ctypes.c_uint8),
        ("cycles", ctypes.c_uint8),
        ("sets_pc", ctypes.c_bool),
        ("loads", ctypes.c_bool),
        ("aligned", ctypes.c_uint8),
        ("it_length", ctypes.c_uint8),
        ("address", ctypes.c_uint16),
        ("result", ctypes.c_uint16),
        ("float_result", ctypes.c_uint32),
        ("float_inputs", ctypes.c_uint32),
    )


@pytest.fixture(scope="module")
def decode(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    flags = (
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsanitize=undefined",
        "-fno-sanitize-recover=undefined",
    )
    source = CYCLE_MODEL / "timing_table.c"
    run_tool(find_tool("gcc", "gcc"), [*flags, "-shared", "-fPIC", source, "-o", "decoder.so"], folder)
    library = ctypes.CDLL(str(folder / "decoder.so"))
    library.decode.restype = Instruction
    library.decode.argtypes = [ctypes.c_char_p]
    return library.decode


@pytest.fixture(scope="module")
def listing() -> dict[bytes, tuple[str, str]]:
    """Each encoding with the base of its mnemonic, and its operands."""
    found: dict[bytes, tuple[str, str]] = {}
    for name in ("libm.a", "libc_nano.a"):
        place = [find_compiler().path, *MACHINE, f"-print-file-name={name}"]
        library = subprocess.run(place, capture_output=True, text=True, check=True).stdout.strip()
        dump = ["arm-none-eabi-objdump", "-d", "-z", library]
        for line in subprocess.run(dump, capture_output=True, text=True, check=True).stdout.splitlines():
            match = re.match(
                r"\s*[0-9a-f]+:\t([0-9a-f]{4})(?: ([0-9a-f]{4}))?\s*\t([a-z]\S*)\s*([^@<]*)", line
            )
            if match and "undefined" not in match[4]:
                code = b"".join(bytes.fromhex(half)[::-1] for half in match.groups()[:2] if half)
                found[code] = base_of(match[3]), match[4].strip()
    assert len(found) > 5000
    return found


def check(decode, listing, kinds, expect):
    """Fail at the first instruction of these kinds for which `expect` returns a complaint."""
    seen = 0
    for code, (mnemonic, operands) in listing.items():
        if KIND_OF[mnemonic] in kinds:
            seen += 1
            instruction = decode(code.ljust(4, b"\0"))
            assert instruction.bytes == len(code)
            complaint = expect(mnemonic, operands, instruction)
            assert not complaint, f"{code[::-1].hex()} {mnemonic} {operands}: {complaint}"
    assert seen


@pytest.mark.parametrize("kind", MNEMONICS)
def test_kind_and_length_match_the_disassembler(decode, listing, kind):
    def expect(mnemonic, operands, instruction):
        found = KINDS[instruction.kind].removesuffix(" register")
        is_jump = kind == "data" and operands.startswith("pc,")
        return None if found == kind or (is_jump and found == "data" and instruction.sets_pc) else found

    check(decode, listing, [kind], expect)


def test_only_jumps_set_the_program_counter(decode, listing):
    def expect(mnemonic, operands, instruction):
        jumps = KIND_OF[mnemonic] in ("branch", "jump", "branch if", "table branch")
        jumps |= operands.startswith("pc,") or (mnemonic in ("pop", "ldmia", "ldm") and "pc" in operands)
        return None if jumps == instruction.sets_pc else f"sets_pc is {instruction.sets_pc}"

    check(decode, listing, MNEMONICS, expect)


def test_loads_and_stores_name_address_and_result(decode, listing):
    def expect(mnemonic, operands, instruction):
        result, address = operands.split("[", 1)
        address_registers = re.findall(r"[a-z]\w*", address.split("]")[0])
        wanted = mask_of([name for name in address_registers if name != "pc"])
        if instruction.address & ~(1 << 15) != wanted:
            return f"address {instruction.address:#x}, expected {wanted:#x}"
        if mnemonic.startswith("ld") and instruction.result != mask_of(result.replace(",", " ").split()[:1]):
            return f"result {instruction.result:#x}"
        indexed = len(address_registers) > 1 and address_registers[1] in REGISTERS
        if (
            mnemonic.startswith("st")
            and mnemonic != "strex"
            and (KINDS[instruction.kind] == "store register") != indexed
        ):
            return "with or without an index"
        return None

    check(decode, listing, ["load", "store"], expect)


def test_instructions_that_read_data_say_so(decode, listing):
    def expect(mnemonic, _, instruction):
        reads = mnemonic.startswith(("ldr", "ldm", "pop", "vldr", "vldm", "vpop", "tb"))
        return None if reads == instruction.loads else f"loads is {instruction.loads}"

    check(decode, listing, MNEMONICS, expect)


def test_loads_know_their_size(decode, listing):
    sizes = {"ldr": 3, "ldrh": 1, "ldrsh": 1, "ldrb": 0, "ldrsb": 0, "ldrex": 0}

    def expect(mnemonic, _, instruction):
        found = instruction.aligned
        return None if found == sizes[mnemonic] else f"{found}, expected {sizes[mnemonic]}"

    check(decode, listing, ["load"], expect)


def test_data_processing_names_its_results(decode, listing):
    def expect(mnemonic, operands, instruction):
        names = operands.replace(",", " ").split()
        pair = mnemonic in ("smull", "umull", "smlal", "umlal", "umaal")
        wanted = mask_of(names[: 2 if pair else 1])
        return (
            None if instruction.result == wanted else f"result {instruction.result:#x}, expected {wanted:#x}"
        )

    check(decode, listing, ["data"], expect)


def test_cycles_by_kind(decode, listing):
    def expect(mnemonic, operands, instruction):
        kind = KINDS[instruction.kind]
        if "{" in operands:
            wanted = 1 + words_in(operands)
        elif kind == "float memory":
            wanted = 3 if operands.startswith("d") else 2
        elif (
            kind in ("load", "store register")
            or mnemonic == "strex"
            or operands.count(",") * (mnemonic == "vmov") >= 2
        ):
            wanted = 2
        else:
            wanted = CYCLES.get(mnemonic, 1)
        return None if instruction.cycles == wanted else f"{instruction.cycles} cycles, expected {wanted}"

    check(decode, listing, MNEMONICS, expect)


def test_the_length_of_an_it_block(decode, listing):
    check(
        decode,
        listing,
        ["it"],
        lambda mnemonic, _, instruction: (
            None if instruction.it_length == len(mnemonic) - 1 else instruction.it_length
        ),
    )


def floats_of(operands: str) -> list[int]:
    return [int(number) for number in re.findall(r"\bs(\d+)\b", operands)]


def test_float_arithmetic_names_inputs_and_result(decode, listing):
    def expect(mnemonic, operands, instruction):
        numbers = floats_of(operands)
        in_place = "#" in operands  # VCVT of fixed point
        inputs = numbers[:1] if in_place else numbers[1:]
        wanted = (1 << numbers[0], sum({1 << number for number in inputs}))
        found = (instruction.float_result, instruction.float_inputs)
        return None if found == wanted else f"{found}, expected {wanted}"

    check(decode, listing, ["float"], expect)
