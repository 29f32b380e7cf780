"""Whether anything got slower, larger or deafer since it was accepted: pure verdicts over nights of records.

How a command goes from records to a verdict (`judge` is the only decision; the rest is data):

1. Every record of the board becomes a `nights.Night` through `from_record.night_of`: `series.measured` of
   its blocks for each timed series (raw samples without warm-ups; lost lines stay counted), sizes, arena,
   histogram, checksums, detections of a modeled board as `exact`, faults of variants as `faults`. A
   `Measured` and what is exact are a few numbers, so an index may keep them (`harness.history` does);
   `digest` is the record's seal. What was said of a series then (`status` and `since` of its verdict) goes
   back in as `judged`. A record that cannot be read is told by its reader and left out; if it is tonight's,
   `fault` says so, as it does if there was no board.
2. `baseline_file.read_baseline(reports/baselines/<board>.toml)`.
3. `verdict.judge(night, history, baseline)` gives a `RunVerdict`. If its `to_confirm` names series, they
   are uploaded and measured again at once, `confirmations` is filled in, and the same call is made again:
   once, whatever comes out.
4. `verdict.json` is `dataclasses.asdict` of it; the command ends with its `exit_code`; `sentence` is the
   headline, and each series brings its own. `from_record.verdict_row` puts it into the record.
5. `acceptance.accept(baseline, night, history, …)` gives the baseline that `baseline_file.write_baseline`
   writes for review; the environment that changed is a new epoch there.
6. `a_a.a_a(history)` is what nights of one image say of each series' noise and of the rule's false alarms.

The rule is `rule`, arrays over the series of a night; `simulation` publishes what it is worth.
"""
