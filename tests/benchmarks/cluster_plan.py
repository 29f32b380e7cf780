"""Cost of a large family on a cluster, simulated from task times: `python -m benchmarks.cluster_plan`.

Each variant and seed is a chain of tasks (train, compress, convert, measure) behind the features of the
dataset. A task goes to the first free core; the scheduler hands out one at a time. The times are those that
`make bench` printed on one core, scaled to the dataset; those of a session and of the scheduler are assumed.
docs/cluster.md has the result.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

CLIPS = 105_000
TRAINING_CLIPS = 85_000

FEATURES_CLIPS_PER_S = 2_256
TRAINING_CLIPS_PER_S = 4_989
CONVERSION_S = 6.1
EVALUATION_CLIPS_PER_S = 2_500  # TinyConv on the reference kernels: 0.4 ms
SESSION_S = 10.0
"""Assumed for a build, 233 clips and 101 s of audio on the emulated board at 34 times real time."""


@dataclass(frozen=True)
class Plan:
    """Size of the family.

    Attributes:
        chains: variants times seeds.
        epochs, fine_tune_epochs: of training and compression.
        hand_out_s: the scheduler's time for a task; assumed.
    """

    chains: int
    epochs: int = 50
    fine_tune_epochs: int = 5
    hand_out_s: float = 0.001

    @property
    def task_s(self) -> tuple[float, ...]:
        """Return the times of a chain's tasks."""
        epoch_s = TRAINING_CLIPS / TRAINING_CLIPS_PER_S
        evaluation_s = (CLIPS - TRAINING_CLIPS) / EVALUATION_CLIPS_PER_S
        tuning_s = self.fine_tune_epochs * epoch_s
        return (self.epochs * epoch_s, tuning_s, CONVERSION_S + evaluation_s, SESSION_S)

    def wall_s(self, cores: int) -> float:
        """Simulate the graph; return the time at which its last task ends."""
        ready_s = CLIPS / FEATURES_CLIPS_PER_S
        ready = [(ready_s, -0, chain) for chain in range(self.chains)]  # later tasks of a chain first
        free = [0.0] * cores
        scheduler_s = end_s = 0.0
        while ready:
            at_s, step, chain = heapq.heappop(ready)
            scheduler_s = max(scheduler_s, at_s, free[0]) + self.hand_out_s
            end_s = scheduler_s + self.task_s[-step]
            heapq.heapreplace(free, end_s)
            if -step + 1 < len(self.task_s):
                heapq.heappush(ready, (end_s, step - 1, chain))
        return max(free)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the cost by number of machines, and the fewest that finish in a night."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_plan", description=__doc__)
    parser.add_argument("--variants", type=int, default=1000, metavar="N")
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--cores", type=int, default=16, metavar="N", help="of a machine")
    parser.add_argument("--night", type=float, default=10.0, metavar="HOURS")
    options = parser.parse_args(argv)
    plan = Plan(options.variants * options.seeds)
    work_h = plan.chains * sum(plan.task_s) / 3600
    times = ", ".join(f"{each:.0f} s" for each in plan.task_s)
    print(f"{plan.chains:,} chains of {times} = {work_h:,.0f} core-hours")
    machines, hours = 0, options.night + 1
    while hours > options.night:
        machines += 1
        cores = machines * options.cores
        hours = plan.wall_s(cores) / 3600
        if machines & (machines - 1) == 0 or hours <= options.night:
            print(f"{machines:>4} machines  {hours:7.1f} h  {100 * work_h / hours / cores:.0f} % busy")


if __name__ == "__main__":
    main()
