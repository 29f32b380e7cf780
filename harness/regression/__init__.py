"""Verdicts on runs: is anything slower, larger or less accurate than what was accepted?

1. `from_record.night_of` summarizes each record of a board: times, exact figures, faults, canary, verdicts.
2. `baseline.read_baseline` reads what was accepted.
3. `verdict.judge` returns a `RunVerdict`. If its `to_confirm` names series, they are uploaded and measured
   again at once, `confirmations` is filled in, and the same call is made once more, whatever the result.
4. `acceptance.accept` returns the baseline that `baseline.write_baseline` writes for review.
5. `a_a.a_a` shows the noise of each series and the rule's false alarms on nights of one image.
6. `compare.compare` compares two runs of a modeled board.

`rule` is the statistical rule; `tests/benchmarks/simulation.py` measures its error rates.
"""
