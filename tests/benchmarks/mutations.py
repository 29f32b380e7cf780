"""Random damage to real inputs: bytes, text, JSON and .tflite models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

import flatbuffers

from models.tflite import tflite_schema

_WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x40000000)
_TOKEN = re.compile(r'"[^"\n]*"|-?\d[\d.e+-]*|[A-Za-z_][\w.-]*')
_TEXTS = (
    *("-1", "0", "1e999", "nan", "NaN", "-Infinity", "0.5", "9" * 5000, "1" + "0" * 30, "true", "null", "{}"),
    *("[" * 3000, '"' + "x" * 5000 + '"', '""', '"\\u0000"', '"\\ud800"', '"../../x"', '"~nobody/x"'),
    *('"größe"', "\ufeff", "\0", "1979-05-27", "[[x]]", "= =", '"""', "yes,no", ";", "\r", "4,5"),
)
_VALUES = (-1, 0, 1, 1 << 31, 1 << 63, 10**30, -0.5, 1e308, float("nan"), float("inf"), "", "x" * 5000)
_VALUES_OF_ANY_TYPE = (*_VALUES, "\0", "../x", "\ud800", None, True, [], {}, [[]], {"": None})


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Damage a binary file in one to four places, its first 64 bytes most of all."""
    made = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(min(len(made), 64) if random.random() < 0.6 else len(made)) if made else 0
        end = at + random.randint(1, 64)
        match random.randrange(6):
            case 0:
                made[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                made[at : at + 4] = random.choice(_WORDS).to_bytes(4, "little")
            case 2:
                del made[at:end]
            case 3:
                made[at:at] = made[at:end]
            case 4:
                made[at:end] = bytes(len(made[at:end]))
            case 5 if random.random() < 0.3:
                del made[random.randrange(len(made) + 1) :]
    return bytes(made)


def mutate_text(data: bytes, random: Random) -> bytes:
    """Damage a text in one to three tokens or lines, or now and then in its bytes."""
    if random.random() < 0.15:
        return mutate_bytes(data, random)
    text = data.decode()
    for _ in range(random.randint(1, 3)):
        lines = text.split("\n")
        tokens = list(_TOKEN.finditer(text))
        line = random.randrange(len(lines))
        match random.randrange(6):
            case 0:
                del lines[line]
                text = "\n".join(lines)
            case 1:
                lines.insert(random.randrange(len(lines)), lines[line])
                text = "\n".join(lines)
            case _ if tokens:
                token = random.choice(tokens)
                new = random.choice([*_TEXTS, random.choice(tokens)[0]])
                text = text[: token.start()] + new + text[token.end() :]
    return text.encode("utf-8", "surrogatepass")


def mutate_json(data: bytes, random: Random, dump: Callable[[Any], str] = json.dumps) -> bytes:
    """Change one to three values of a JSON tree, and write it with `dump`; or damage its text."""
    if random.random() < 0.3:
        return mutate_text(data, random)
    tree = json.loads(data)
    for _ in range(random.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            break
        holder, key = random.choice(places)
        match random.randrange(4):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, holder[key])
            case 1:
                holder[f"{key} "] = holder[key]
            case _:
                holder[key] = random.choice(_VALUES_OF_ANY_TYPE)
    return dump(tree).encode("utf-8", "surrogatepass")


def mutate_model(data: bytes, random: Random) -> bytes:
    """Change one to three fields of a .tflite, such as shapes, types, scales and versions; or its bytes."""
    if random.random() < 0.3:
        return mutate_bytes(data, random)
    schema = tflite_schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    try:
        for _ in range(random.randint(1, 3)):
            graph = random.choice(model.subgraphs)
            thing = random.choice([model, graph, *model.operatorCodes, *model.buffers, *graph.operators])
            if random.random() < 0.6 and graph.tensors:
                thing = random.choice(graph.tensors)
                thing = random.choice([thing, thing.quantization or thing])
            elif random.random() < 0.3:
                thing = getattr(thing, "builtinOptions", None) or thing
            if fields := list(getattr(thing, "__dict__", ())):  # an earlier change may have put a list there
                name = random.choice(fields)
                setattr(thing, name, _changed(getattr(thing, name), random))
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
    except Exception:  # an earlier change made it a tree that the schema's own code cannot walk or write
        return mutate_bytes(data, random)


def _changed(value: Any, random: Random) -> Any:
    if isinstance(value, (bool, int)):
        return random.choice([0, 1, 2, 3, 9, 127, -1, value + 1])
    if isinstance(value, float):
        return random.choice([0.0, -1.0, float("nan"), float("inf"), 1e-38, 1e38])
    if isinstance(value, bytes):
        return random.choice([None, b"", b"\xff\xfe", b"x" * 300])
    if not hasattr(value, "__len__") or not len(value) or random.random() < 0.3:
        return random.choice([None, [], [0], [-1, 1 << 20]])
    items = list(value)
    items[random.randrange(len(items))] = random.choice([0, 1, -1, 2, 1 << 20, items[0]])
    return random.choice([items, items[:-1], [*items, items[0]]])


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every holder and key of a JSON tree; of a long list only its first items."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:20]) if isinstance(tree, list) else ()
    return [place for key, value in items for place in ((tree, key), *_places(value))]
