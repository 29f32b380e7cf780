"""Run every benchmark of Earshot itself, one process each: `make bench`."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks

for module in pkgutil.iter_modules(benchmarks.__path__):
    name = f"benchmarks.{module.name}"
    if module.name != "__main__":
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", name], check=True)
