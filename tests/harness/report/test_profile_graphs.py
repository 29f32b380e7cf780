"""Flame graph, roofline and tables of a profile."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from samples import BOARD, measured

from harness.records.record import OperatorRow, ProfileRow, StackRow
from harness.report.flame_graph import flame_graph
from harness.report.profile import flame_graph_of, functions_table, operators_table, roofline

STACKS = [
    StackRow("inference", ["invoke", "CONV_2D (operator 0)", "blocks<5, 4>"], 800),
    StackRow("inference", ["invoke", "SOFTMAX (operator 1)"], 190),
    StackRow("inference", ["invoke"], 10),
    StackRow("preprocess", ["take_sound"], 5000),
]
OPERATORS = [OperatorRow(0, "CONV_2D", 400, 200, 800), OperatorRow(1, "SOFTMAX", 0, 8, 190)]
VARIANT = replace(
    measured("tiny", "Tiny", 30_000, seed=1),
    profile=ProfileRow({"inference": 1000, "preprocess": 5000}, STACKS, OPERATORS),
)
WIDTH = 1168
"""Of a whole stage, px."""


def boxes(svg: str) -> dict[str, tuple[float, float]]:
    """Return begin and width of each function by the first line of its hint."""
    root = ElementTree.fromstring(svg)
    found = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        title, box, _text = group
        found[title.text.splitlines()[0]] = (float(box.get("x")), float(box.get("width")))
    return found


def test_a_function_is_as_wide_as_its_cycles_and_lies_under_its_caller():
    found = boxes(flame_graph_of(VARIANT, BOARD))
    assert found["invoke"] == (16, WIDTH)
    assert found["CONV_2D (operator 0)"] == (16, round(0.8 * WIDTH, 2))
    assert found["blocks<5, 4>"] == found["CONV_2D (operator 0)"]
    assert found["SOFTMAX (operator 1)"] == (round(16 + 0.8 * WIDTH, 2), round(0.19 * WIDTH, 2))
    assert found["take_sound"] == (16, WIDTH)


def test_a_hint_has_cycles_and_share():
    hints = re.findall(r"<title>invoke\n(.*?)</title>", flame_graph_of(VARIANT, BOARD))
    assert hints == ["1,000 cycles, 100\u00a0%; 10 of them in the function itself"]


def test_names_are_no_markup():
    svg = flame_graph("<b>", {"<i>": [(["<script>alert()</script>", '"&'], 10)]}, 64_000_000)
    assert list(boxes(svg)) == ["<script>alert()</script>", '"&']
    assert "<script>" not in svg


def test_operators_and_the_rest_add_up_to_the_inference():
    rows = operators_table([VARIANT]).rows
    assert [row["operator"] for row in rows] == [
        "CONV_2D (0)",
        "SOFTMAX (1)",
        "between the operators",
        "inference",
    ]
    assert [row["cycles"] for row in rows] == [800, 190, 10, 1000]
    assert (rows[0]["cycles_per_mac"], rows[0]["times_bound"]) == (2.0, 4.0)
    assert rows[1]["cycles_per_mac"] is None


def test_a_small_image_is_named_beside_its_engine():
    small = replace(VARIANT, firmware=replace(VARIANT.firmware, footprint="small"))
    engines = [operators_table([one]).frame["engine"][0] for one in (VARIANT, small)]
    assert engines == ["codegen", "codegen (small)"]


def test_functions_of_a_stage_add_up_and_short_ones_share_a_row():
    small = [StackRow("inference", ["invoke", name], 2) for name in ("a", "b")]
    profile = replace(
        VARIANT.profile, stage_cycles={"inference": 1004, "preprocess": 5000}, stacks=STACKS + small
    )
    rows = [
        row
        for row in functions_table([replace(VARIANT, profile=profile)]).rows
        if row["stage"] == "inference"
    ]
    assert [row["function"] for row in rows] == ["blocks<5, 4>", "SOFTMAX (operator 1)", "3 other functions"]
    assert sum(row["cycles"] for row in rows) == 1004


def test_the_roofline_shows_the_operators_that_multiply():
    plot = roofline(VARIANT)
    assert "CONV_2D (0): 2.00 cycles each" in plot.svg
    assert "SOFTMAX" not in plot.svg


def test_a_variant_without_a_profile_has_no_rows_and_no_roofline():
    variant = replace(VARIANT, profile=None)
    assert not operators_table([variant]).rows and not functions_table([variant]).rows
    assert roofline(variant) is None
