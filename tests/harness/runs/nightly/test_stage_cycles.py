"""The stage that changed by one cycle is named, from two images on the emulated board."""

from __future__ import annotations

from small_nights import statuses

from harness.firmware.engine import get_engine
from harness.regression.compare import compare
from harness.regression.from_record import night_of
from harness.report.comparison_text import as_text


def test_one_more_cycle_of_inference_is_named_first(bench, monkeypatch):
    bench.rounds, bench.samples = 1, 2
    bench.model("a", 1960)
    first = bench.run()
    bench.accept(first)
    engine = type(get_engine("codegen"))
    generate = engine.generate

    def generate_with_a_nop(self, tflite, out):
        sources, file = generate(self, tflite, out), out / "engine.cpp"
        begin = "bool engine_invoke() {\n"
        file.write_text(file.read_text().replace(begin, f'{begin}  __asm__ volatile("nop.w");\n'))
        return sources

    monkeypatch.setattr(engine, "generate", generate_with_a_nop)
    second = bench.run()
    cycles = [run.record.blocks[1].checks["inference_cycles/noise"] for run in (first, second)]
    assert cycles[1] == cycles[0] + 1
    change = f"a/codegen/inference_cycles/noise changed from {cycles[0]:,} cycles, accepted on "
    assert change in second.verdict.sentence
    assert f"to {cycles[1]:,} cycles (+1, " in second.verdict.sentence
    for stage in ("preprocess", "postprocess"):
        assert statuses(second)[f"a/codegen/{stage}_cycles/noise"] == "ok"
    found = compare(night_of(first.record), night_of(second.record))
    assert found.differences[0].series == "a/codegen/inference_cycles/noise"
    assert f"to {cycles[1]:,} cycles (+1, " in as_text(found).replace("\n", " ")
