import numpy as np
import pytest
import ruptures

from harness.regression.change_points import PENALTY, SHORTEST, change_points, steps


def scaled(values: np.ndarray) -> np.ndarray:
    differences = np.diff(values)
    return values / np.median(np.abs(differences - np.median(differences)))


def by_ruptures(values: np.ndarray) -> list[int]:
    search = ruptures.Pelt(model="l1", min_size=SHORTEST, jump=1).fit(scaled(values))
    return search.predict(PENALTY * np.log(values.size))[:-1]


@pytest.mark.parametrize("seed", range(12))
def test_the_changes_are_those_of_ruptures(seed):
    random = np.random.default_rng(seed)
    values = random.normal(100, 1, 30 + 5 * seed)
    for _ in range(seed % 4):
        values[random.integers(values.size) :] += random.normal(0, 5)
    assert change_points(values) == by_ruptures(values)


def test_levels_without_noise_need_a_least_deviation():
    values = [12.0] * 40 + [13.0] + [12.0] * 40 + [40.0] * 40
    assert change_points(values) == []
    assert change_points(values, least=1.0) == [81]


def test_steps_of_exact_values():
    assert steps([5, 5, 7, 7, 5]) == [2, 4]
    assert steps(["a"]) == []
    assert change_points(np.arange(2 * SHORTEST - 1)) == []
