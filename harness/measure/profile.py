"""Profile: the cycles of one run of every stage by function, and of the inference by operator.

On the emulated board the image is the one that is measured: nothing in it counts. The cycle model does, by
the address of the code. A real board needs an image that reads the processor's counter at each operator.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.boards import board as board_module
from harness.boards.board import Board, Stack
from harness.errors import ProtocolError
from harness.firmware.elf import functions
from harness.firmware.engine import Engine
from harness.firmware.firmware import Firmware
from harness.measure.calibration import REPEATS
from harness.measure.retry import Retries
from harness.measure.session import noise_inputs
from harness.records import record as record_module
from harness.records.record import OperatorRow, ProfileRow, StackRow
from models.reference import ReferenceModel
from models.store import Store
from models.tflite import Operator, TfliteModel, read_tflite

if TYPE_CHECKING:
    from models.model_artifact import ModelArtifact

_RUNS_STAGES = "Listener::count_cycles"
"""The function that runs the stages (sketches/earshot/cycles.cpp); its callers say nothing."""
_OPERATOR_FUNCTION = re.compile(r"op\d+")
"""The function of a generated program that is an operator (harness/firmware/codegen/source.py)."""
_FILE, _TRANSCRIPT = "profile.json", "profile.log"


def profile(
    board: Board, firmware: Firmware, engine: Engine, model: ModelArtifact, store: Store
) -> ProfileRow | None:
    """Return the profile of an image on a board; None if the board cannot count the cycles of code.

    The store keeps it: it is a function of image, model and board.

    Raises:
        EarshotError: see `Board.profile`.
    """
    if board.describe().clock != "modeled cycles":
        return None

    def make(folder: Path) -> None:
        found = _profile(board, firmware, engine, model, folder / _TRANSCRIPT)
        (folder / _FILE).write_bytes(msgspec.json.encode(found))

    inputs = {
        "image": firmware.image,
        "model": model.path,
        "board": board.describe(),
        "engine": engine.name,
    }
    code = (Path(__file__), board_module, record_module)
    folder = store.build("profile", inputs, make, code, f"profile on {board.name}")
    return msgspec.json.decode((folder / _FILE).read_bytes(), type=ProfileRow | None)


def counted_profile(
    board: Board, firmware: Firmware, engine: Engine, model: ModelArtifact, transcript: Path
) -> ProfileRow:
    """Return the profile of an image built with `profile`, by the processor's own count.

    An operator's count has some cycles of the reads of the counter in it, and on a real board those of
    interrupts. Of all runs, the one whose inference took the median counts.

    Raises:
        ProtocolError: records are missing, or not as many operators ran as the model has.
        EarshotError: the board cannot be reached.
    """
    reference = ReferenceModel(model.tflite, model.front_end)
    tensor = noise_inputs(reference, 1)[0].tobytes()
    retries = Retries(board.recover)

    def attempt() -> list[tuple[list[int], int]]:
        board.upload(firmware)
        device = board.open(transcript)
        found = []
        for _ in range(REPEATS):
            if not reference.hears:
                device.load(tensor)
            found.append(device.operator_cycles())
        return found

    runs = retries.run(f"{model.id}, profile", attempt, [transcript])
    cycles, inference = sorted(runs, key=lambda one: one[1])[len(runs) // 2]
    operators = engine.operators(model.tflite)
    if len(cycles) != len(operators):
        raise ProtocolError(
            f"the board counted {len(cycles)} operators, the model has {len(operators)}", where=model.name
        )
    contents = read_tflite(model.tflite)
    rest = inference - sum(cycles)
    stacks = [
        StackRow("inference", ["engine_invoke", str(operator)], count)
        for operator, count in zip(operators, cycles, strict=True)
    ]
    return ProfileRow(
        stage_cycles={"inference": inference},
        stacks=[*stacks, StackRow("inference", ["engine_invoke"], rest)],
        operators=[
            OperatorRow(operator.index, operator.name, *_costs(contents, operator), count)
            for operator, count in zip(operators, cycles, strict=True)
        ],
        counted_by="cycle counter",
    )


def _profile(
    board: Board, firmware: Firmware, engine: Engine, model: ModelArtifact, transcript: Path
) -> ProfileRow | None:
    reference = ReferenceModel(model.tflite, model.front_end)
    tensor = b"" if reference.hears else noise_inputs(reference, 1)[0].tobytes()
    names = functions(firmware.image).names
    caller = next((name for name in engine.operator_callers if name in names), engine.operator_callers[0])
    stages = board.profile(firmware, tensor, caller, transcript)
    if stages is None:
        return None
    operators = engine.operators(model.tflite)
    contents = read_tflite(model.tflite)
    calls = _operator_calls(stages["inference"], len(operators))
    labels = {call: str(operator) for call, operator in zip(calls, operators, strict=False)}
    rows: dict[tuple[str, ...], int] = defaultdict(int)
    for stage, stacks in stages.items():
        for stack in stacks:
            rows[(stage, *_frames(stack, labels))] += stack.cycles
    cycles = {
        call: sum(stack.cycles for stack in stages["inference"] if stack.call == call) for call in calls
    }
    return ProfileRow(
        stage_cycles={stage: sum(stack.cycles for stack in stacks) for stage, stacks in stages.items()},
        stacks=[StackRow(stage, frames, cycles) for (stage, *frames), cycles in sorted(rows.items())],
        operators=[
            OperatorRow(operator.index, operator.name, *_costs(contents, operator), cycles[call])
            for operator, call in zip(operators, calls, strict=False)
        ],
    )


def _operator_calls(stacks: Sequence[Stack], count: int) -> list[tuple[int, int]]:
    """Return the calls of the operators in order, by place and number; [] if they cannot be told apart.

    A generated program calls nothing but operators. An interpreter calls all operators at one place, where
    it calls as often as the model has operators.
    """
    calls: dict[tuple[int, int], int] = defaultdict(int)
    for stack in stacks:
        if stack.call:
            calls[stack.call] += stack.cycles
    if len(calls) == count:
        return sorted(calls, key=lambda call: call[1])
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for call in calls:
        places[call[0]].append(call)
    fitting = [sorted(those) for those in places.values() if len(those) == count]
    return max(fitting, key=lambda those: sum(calls[call] for call in those), default=[])


def _frames(stack: Stack, labels: dict[tuple[int, int], str]) -> tuple[str, ...]:
    """Return the functions from the stage on, with the operator between its caller and its functions."""
    frames = list(stack.functions)
    if stack.call in labels:
        is_operator = _OPERATOR_FUNCTION.fullmatch(frames[stack.depth])
        frames[stack.depth : stack.depth + bool(is_operator)] = [labels[stack.call]]
    first = frames.index(_RUNS_STAGES) if _RUNS_STAGES in frames else 0
    return tuple(frames[first:])


def _costs(model: TfliteModel, operator: Operator) -> tuple[int | None, int | None]:
    """Return multiply-accumulates of an operator, and the bytes of its tensors."""
    macs = replace(model, operators=(operator,), subgraphs=()).macs
    tensors = [model.tensors[index] for index in {*operator.inputs, *operator.outputs} if index is not None]
    if any(tensor.dynamic for tensor in tensors):
        return macs, None
    return macs, sum(tensor.elements * _ELEMENT_BYTES.get(tensor.type, 4) for tensor in tensors)


_ELEMENT_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "int64": 8, "float64": 8}
