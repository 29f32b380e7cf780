"""Error rates of the verdict rule on made-up noise: `python -m benchmarks.simulation` prints them.

A confirmation follows at once, so it shares part of a night's error; how much is unknown. False alarms are
counted as if it shared all of it (the confirmation is then useless), missed slowdowns as if it shared none.
"""

from __future__ import annotations

import argparse

import numpy as np

from harness.regression import rule

SERIES, NIGHTS, NIGHT_SD = 30, 1000, 0.002
TYPICAL_US = 30_000.0
"""One inference; far above the floors of 1 and 20 µs, which would only make the rule quieter."""


class _Bench:
    """Series of nights that are judged one after the other, each with its own window."""

    def __init__(self, random: np.random.Generator, night_sd: float) -> None:
        self._random, self._sd = random, night_sd
        self._window = TYPICAL_US * np.exp(random.normal(0, night_sd, (rule.WINDOW, SERIES)))  # oldest first
        self._pinned = rule.reference(self._window)
        self._before = self._window[-(rule.RECENT - 1) :]

    def night(self, slower: float, shared: float) -> tuple[np.ndarray, np.ndarray]:
        """Judge a night and return the regressed and the improved series, (S,) of bool each.

        Args:
            slower: share by which the first series is slower.
            shared: share of the night's variance that its confirmation has in common with it.
        """
        common, own, again = self._random.normal(0, self._sd, (3, SERIES))
        level = TYPICAL_US * (1 + slower * (np.arange(SERIES) == 0))
        tonight = level * np.exp(np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
        second = level * np.exp(np.sqrt(shared) * common + np.sqrt(1 - shared) * again)
        latest = rule.reference(self._window)
        found = rule.judge(latest, self._pinned, self._before, tonight)
        regressed = rule.confirmed(found, latest, self._pinned, self._before, second)
        clean = ~found.worse & ~found.better  # deviating nights are not part of the reference
        self._window[:, clean] = np.vstack([self._window[1:, clean], tonight[clean]])
        self._before = np.vstack([self._before[1:], tonight])
        return regressed & ~latest.noisy, found.better & ~latest.noisy


def false_alarms(nights: int = NIGHTS, night_sd: float = NIGHT_SD, seed: int = 1) -> tuple[int, int]:
    """Count the nights without a change on which a series regressed, and on which one improved."""
    bench = _Bench(np.random.default_rng(seed), night_sd)
    found = [bench.night(0.0, shared=1.0) for _ in range(nights)]
    return sum(bool(worse.any()) for worse, _ in found), sum(bool(better.any()) for _, better in found)


def power(slower: float, trials: int = NIGHTS, night_sd: float = NIGHT_SD, seed: int = 1) -> float:
    """Return the share of trials in which a series that is slower regressed on the same night."""
    random = np.random.default_rng(seed)
    return sum(bool(_Bench(random, night_sd).night(slower, 0.0)[0][0]) for _ in range(trials)) / trials


def creep(
    a_night: float = 0.001, trials: int = 200, night_sd: float = NIGHT_SD, seed: int = 1, longest: int = 60
) -> np.ndarray:
    """Return the nights, from 1, on which a series that gets slower by `a_night` each night regressed.

    Returns:
        (trials,) of int; `longest` + 1 if it never did.
    """
    random = np.random.default_rng(seed)

    def trial() -> int:
        bench = _Bench(random, night_sd)
        nights = range(1, longest + 1)
        return next((night for night in nights if bench.night(night * a_night, 0.0)[0][0]), longest + 1)

    return np.array([trial() for _ in range(trials)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nights", type=int, default=10 * NIGHTS, help="without a change")
    parser.add_argument("--trials", type=int, default=NIGHTS, help="of a slowdown, and of a creep")
    options = parser.parse_args()
    print(f"{SERIES} series; {options.nights:,} nights without a change, {options.trials:,} trials otherwise")
    print("night sd  regressed  improved  power at 1 %, 2 %  creep of 0.1 % a night: found by 15, median")
    for night_sd in (0.001, NIGHT_SD, 0.003, 0.004):
        worse, better = (count / options.nights for count in false_alarms(options.nights, night_sd))
        powers = [power(slower, options.trials, night_sd) for slower in (0.01, 0.02)]
        found = creep(trials=options.trials, night_sd=night_sd)
        print(
            f"{night_sd:8.1%}  {worse:9.2%}  {better:8.2%}  {powers[0]:10.3f}, {powers[1]:5.3f}"
            f"  {np.mean(found <= 15):35.1%}, {np.median(found):6.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
