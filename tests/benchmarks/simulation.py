"""How often the shipped rule is wrong: nights of made-up noise put through `rule` as they are each morning.

    python -m benchmarks.simulation

prints false alarms, power and how soon a creep is found. A confirmation follows at once, so part of a night's
error is in it too. How much nobody knows: false alarms are counted as if all of it were (a confirmation then
helps nothing), missed slowdowns as if none of it were (it then can only harm).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from harness.regression import rule

SERIES, NIGHTS, NIGHT_SD = 30, 1000, 0.002
TYPICAL_US = 30_000.0
"""Of one inference; far above the floors of 1 and 20 µs, which would only make the rule quieter."""


@dataclass(frozen=True)
class Alarms:
    """What was said in nights in which nothing had changed.

    Attributes:
        nights: how many.
        regressed: in how many of them something was, the confirmation being no help.
        improved: in how many of them something was said to be.
    """

    nights: int
    regressed: int
    improved: int


class _Bench:
    """Series of nights that are judged one after the other, each with its own window."""

    def __init__(self, series: int, random: np.random.Generator, night_sd: float) -> None:
        self._random, self._sd = random, night_sd
        self._window = self._nights(rule.WINDOW, series)  # (K, S), the oldest first
        self._pinned = rule.reference(self._window)
        self._before = self._window[-(rule.RECENT - 1) :]

    def night(self, change: np.ndarray, shared: float) -> tuple[np.ndarray, np.ndarray]:
        """A night in which series are slower by `change`, a share, (S,); which are regressed, and improved.

        Args:
            change: (S,).
            shared: how much of the night's variance the confirmation has in common with it, 0 to 1.
        """
        common, own, again = self._random.normal(0, self._sd, (3, change.size))
        level = TYPICAL_US * (1 + change)
        tonight = level * np.exp(np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
        second = level * np.exp(np.sqrt(shared) * common + np.sqrt(1 - shared) * again)
        latest = rule.reference(self._window)
        found = rule.judge(latest, self._pinned, self._before, tonight)
        regressed = found.worse
        if regressed.any():
            regressed = rule.confirmed(found, latest, self._pinned, self._before, second)
        regressed, improved = regressed & ~latest.noisy, found.better & ~latest.noisy
        clean = ~found.worse & ~found.better  # what deviates does not become the measure of the next night
        self._window[:, clean] = np.vstack([self._window[1:, clean], tonight[clean]])
        self._before = np.vstack([self._before[1:], tonight])
        return regressed, improved

    def _nights(self, nights: int, series: int) -> np.ndarray:
        return TYPICAL_US * np.exp(self._random.normal(0, self._sd, (nights, series)))


def false_alarms(
    nights: int = NIGHTS, series: int = SERIES, night_sd: float = NIGHT_SD, seed: int = 1
) -> Alarms:
    """Nothing changes, for so many nights after those of the reference.

    Args:
        nights: that are judged.
        series: in each.
        night_sd: between nights, a share.
        seed: of the noise.
    """
    bench = _Bench(series, np.random.default_rng(seed), night_sd)
    regressed = improved = 0
    for _ in range(nights):
        worse, better = bench.night(np.zeros(series), shared=1.0)
        regressed += bool(worse.any())
        improved += bool(better.any())
    return Alarms(nights, regressed, improved)


def power(
    slower: float, trials: int = NIGHTS, series: int = SERIES, night_sd: float = NIGHT_SD, seed: int = 1
) -> float:
    """The share of trials in which one series is slower from one night to the next, and regressed that night.

    Args:
        slower: by this share, such as 0.02.
        trials: each with nights of its own.
        series, night_sd, seed: as in `false_alarms`.
    """
    random = np.random.default_rng(seed)
    change = np.zeros(series)
    change[0] = slower
    found = sum(bool(_Bench(series, random, night_sd).night(change, 0.0)[0][0]) for _ in range(trials))
    return found / trials


def creep(
    a_night: float = 0.001,
    trials: int = 200,
    series: int = SERIES,
    night_sd: float = NIGHT_SD,
    seed: int = 1,
    longest: int = 60,
) -> np.ndarray:
    """In which night, from 1, one series that is slower by a little more each night is regressed.

    Args:
        a_night: a share, such as 0.001.
        trials: each with nights of its own.
        series, night_sd, seed: as in `false_alarms`.
        longest: nights after which the search is given up; the answer is then one more.

    Returns:
        (trials,) of int.
    """
    random = np.random.default_rng(seed)
    nights = np.full(trials, longest + 1)
    for trial in range(trials):
        bench = _Bench(series, random, night_sd)
        change = np.zeros(series)
        for night in range(1, longest + 1):
            change[0] = night * a_night
            if bench.night(change, 0.0)[0][0]:
                nights[trial] = night
                break
    return nights


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--benches", type=int, default=10, help="with no change")
    parser.add_argument("--nights", type=int, default=NIGHTS, help="of each bench")
    parser.add_argument("--trials", type=int, default=NIGHTS, help="of a slowdown, and of a creep")
    options = parser.parse_args()
    nights = options.benches * options.nights
    print(f"{SERIES} series; {nights:,} nights with no change, {options.trials:,} trials of everything else")
    print(
        "night sd  false alarms  false praise  power at 1 %, 2 %  creep of 0.1 % a night: found by 15, median"
    )
    for night_sd in (0.001, NIGHT_SD, 0.003, 0.004):
        quiet = [
            false_alarms(options.nights, night_sd=night_sd, seed=seed) for seed in range(options.benches)
        ]
        alarmed = sum(alarms.regressed for alarms in quiet) / nights
        praised = sum(alarms.improved for alarms in quiet) / nights
        powers = [power(slower, options.trials, night_sd=night_sd) for slower in (0.01, 0.02)]
        found = creep(trials=options.trials, night_sd=night_sd)
        print(
            f"{night_sd:8.1%}  {alarmed:12.2%}  {praised:12.2%}  {powers[0]:10.3f}, {powers[1]:5.3f}"
            f"  {np.mean(found <= 15):35.1%}, {np.median(found):6.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
