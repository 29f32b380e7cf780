from __future__ import annotations

from dataclasses import replace

import pytest
from study_records import claim, failed, network, study_record

from harness.records.study import Network
from harness.stats.claims import judge

L1, CHANCE = {"criterion": ["l1"]}, {"criterion": ["random"]}


def test_pairs_have_seed_and_threshold_in_common():
    found = judge(claim(L1, CHANCE), study_record())
    assert (found.paired.runs, found.paired.seeds) == (8, 4)
    assert (found.paired.only_first, found.paired.only_second) == (8 * 7, 0)
    assert found.paired.difference == pytest.approx(0.7)


def test_what_one_side_names_holds_for_the_other():
    found = judge(claim({**L1, "threshold": ["90"]}, CHANCE), study_record())
    assert (found.paired.runs, found.missing) == (4, 0)


def test_what_both_sides_name_alike_is_had_in_common():
    both = {"threshold": ["50", "90"]}
    found = judge(claim({**L1, **both}, {**CHANCE, **both}), study_record())
    assert found.paired.difference == pytest.approx(0.7)


def test_a_network_before_fine_tuning_is_compared_with_itself():
    found = judge(claim({}, L1, this_state="after", that_state="before"), study_record())
    assert found.paired.runs == 8
    assert found.paired.difference == pytest.approx(0.1)


def test_a_trained_network_is_compared_with_what_was_made_of_it():
    found = judge(claim({**L1, "threshold": ["90"]}, {}, that_state="trained"), study_record())
    assert found.paired.difference == pytest.approx(-0.1)


def test_a_trained_network_counts_once_however_many_points_it_has():
    found = judge(claim({}, {}, this_state="trained", that_state="trained"), study_record())
    assert found.paired.runs == 4


@pytest.mark.parametrize(
    ("this", "that", "margin", "verdict"),
    [
        (L1, CHANCE, 0.0, "holds"),
        (L1, CHANCE, 0.2, "holds"),
        (CHANCE, L1, 0.0, "does not hold"),
        (CHANCE, L1, -0.02, "does not hold"),
        (L1, CHANCE, 0.7, "undecided"),  # within the interval by clips
        (L1, L1, 0.0, "undecided"),
        (L1, L1, -0.02, "holds"),
    ],
)
def test_the_verdict_follows_from_the_intervals(this, that, margin, verdict):
    assert judge(claim(this, that, margin), study_record()).verdict == verdict


def test_seeds_that_disagree_decide_nothing():
    record = study_record()
    turned = [
        replace(point, after=network(10 - sum(record.right(point.after)))) if point.seed == 4 else point
        for point in record.points
    ]
    assert judge(claim(L1, CHANCE), replace(record, points=turned)).verdict == "undecided"


def test_one_seed_decides_nothing():
    record = study_record()
    alone = replace(record, points=[point for point in record.points if point.seed == 1])
    found = judge(claim(L1, CHANCE), alone)
    assert (found.verdict, found.paired.by_seed.low) == ("undecided", None)


def test_few_answers_that_all_agree_decide_nothing():
    # One clip that 4 seeds agree on: no interval has a width, but McNemar's p is 0.125.
    def of_one_clip(heard: int) -> Network:
        return Network([heard], parameters=1, remaining_parameters=1, macs=1)

    record = replace(study_record(), test_labels=[1])
    points = [
        replace(point, after=of_one_clip(1 if point.series == "l1" else 0))
        for point in record.points
        if point.x == 0.5
    ]
    found = judge(claim(L1, CHANCE), replace(record, points=points))
    assert (found.paired.low, found.paired.by_seed.low) == (1.0, 1.0)
    assert found.verdict == "undecided"


def test_a_failed_point_is_missing():
    record = study_record()
    points = [failed(record.points[0]), *record.points[1:]]
    found = judge(claim(L1, CHANCE), replace(record, points=points))
    assert (found.paired.runs, found.missing) == (7, 1)


def test_without_any_pair_there_is_nothing_to_compare():
    record = study_record()
    found = judge(claim(L1, CHANCE), replace(record, points=[failed(point) for point in record.points]))
    assert (found.verdict, found.paired, found.missing) == ("undecided", None, 8)
