"""Product-days a second, forwards and with the gradient, and against Stable-Baselines3.

``python benchmarks/simulator/benchmark.py`` measures and writes ``results.json`` and
``results.md`` beside this file; ``--quick`` runs a small cut and writes into ``quick/``. Run it
on an idle machine: threads that wait for a busy core slow small operations a hundredfold.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
QUESTION = "How many product-days a second does the simulator run, forwards and with the gradient?"
PROTOCOL = """\
One product, lost sales, Poisson demand of mean 5, lead time 4 (the textbook's period). A
product-day is one product through one period on one path. `forward`: base stock. `network_forward`
and `gradient`: the default neural order-up-to policy (two hidden layers of 32), without and with
the derivative of average cost through all periods, in chunks of 8,192 chains whose gradients add
up. Demand is drawn before the clock starts; `sampling` tells what drawing it costs. `ppo` is
Stable-Baselines3 PPO in the same run on the same problem as Gymnasium environments: 8 of them in
a DummyVecEnv, default settings but for layers of 32, its own simulation, inference and ten epochs
of updates included; `environment` steps those environments alone. Each row is a process of its
own with {threads} torch threads: one run to warm up, then the median of {repeats}. Peak memory is
the process's maximum resident set, libraries included (`memory_after_import_mib`). The ratio is
gradient product-days a second over PPO steps a second: it compares the cost of a step, not how
much is learned from one.
"""
SIZES = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}
PERIODS = {
    "forward": {"1k": 1_000, "100k": 100, "1m": 32},
    "network_forward": {"1k": 320, "100k": 32, "1m": 16},
    "gradient": {"1k": 32, "100k": 32, "1m": 16},
}
QUICK_PERIODS = {
    "forward": {"1k": 200, "100k": 20, "1m": 8},
    "network_forward": {"1k": 32, "100k": 8, "1m": 4},
    "gradient": {"1k": 32, "100k": 8, "1m": 6},
}
ENVIRONMENTS = 8


def rows_of(*, quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return what to measure, row by row."""
    periods = QUICK_PERIODS if quick else PERIODS
    steps = 128 if quick else 2_048
    rows = [
        {"kind": kind, "chains": chains, "periods": periods[kind][size]}
        for kind in periods
        for size, chains in SIZES.items()
    ]
    rows += [{"kind": "sampling", "chains": 100_000, "periods": 8 if quick else 32}]
    rows += [
        {"kind": kind, "chains": ENVIRONMENTS, "periods": steps} for kind in ("environment", "ppo")
    ]
    shared = {"repeats": 1 if quick else 5, "threads": threads}
    return [row | shared for row in rows]


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """Measure one row in a process of its own."""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(HERE / "measure.py"), json.dumps(row)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"row {row} could not be measured:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def summary_of(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return each speed by name, and the ratio of the gradient's to Stable-Baselines3's."""
    rates = {(row["kind"], row["chains"]): row["product_days_per_second"] for row in rows}
    summary = {
        f"{kind}_product_days_per_second_{size}": rates[kind, chains]
        for kind in PERIODS
        for size, chains in SIZES.items()
    }
    rival = rates["ppo", ENVIRONMENTS]
    summary["stable_baselines3_steps_per_second"] = rival
    for size, chains in SIZES.items():
        summary[f"ratio_to_stable_baselines3_{size}"] = rates["gradient", chains] / rival
    summary["peak_memory_mib"] = max(
        row["peak_memory_mib"] for row in rows if row["kind"] in PERIODS
    )
    return summary


def main() -> None:
    """Measure every row, then write the results."""
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--quick", action="store_true", help="fewer periods, one run a row")
    parser.add_argument("--threads", type=int, default=2, help="torch threads (default 2)")
    arguments = parser.parse_args()
    quick: bool = arguments.quick
    begin = time.perf_counter()
    rows = []
    for row in rows_of(quick=quick, threads=arguments.threads):
        rows.append(measured(row))
        rate = rows[-1]["product_days_per_second"]
        print(f"{row['kind']:>16} {row['chains']:>9,} chains: {rate:>15,.0f} product-days/s")

    # only now: a child's peak memory starts at its parent's, so the parent stays small till here
    from restock.evaluation.study import StudyResult, commit_of, machine_facts, markdown_table
    from restock.evaluation.study.report import write_results

    result = StudyResult(
        folder=HERE / "quick" if quick else HERE,
        question=QUESTION,
        protocol=PROTOCOL.format(threads=arguments.threads, repeats=1 if quick else 5),
        command="python benchmarks/simulator/benchmark.py" + (" --quick" if quick else ""),
        commit=commit_of(HERE),
        machine=machine_facts(),
        seconds=time.perf_counter() - begin,
        rows=rows,
        summary=summary_of(rows),
    )
    write_results(result, markdown_table(rows))


if __name__ == "__main__":
    main()
