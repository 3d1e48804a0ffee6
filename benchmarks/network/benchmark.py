"""Location-days a second in a network, its memory and growth, and against what a user would pick.

``python benchmarks/network/benchmark.py`` measures and writes ``results.json`` and ``results.md``
beside this file; ``--quick`` runs a small cut and writes into ``quick/``. Run it on an idle
machine. gym-invmgmt is installed into a throwaway environment for the run; where that fails the
reason is in the results. ``--rival-python`` names an interpreter that has it already.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RIVAL = "gym-invmgmt==0.2.1"
QUESTION = (
    "How many location-days a second does the simulator run in a network, and how does it grow?"
)
PROTOCOL = """\
A supplier, 3 distribution centres (lead time 5 days), 20 fulfilment centres (lead time 2, each
supplied by one distribution centre), the same for every product; divisible goods, lost sales,
Poisson demand of mean 0.5 to 4, holding cost 1, shortage cost 9, echelon base stock, shortages
upstream shared in proportion to orders. A location-day is one product at one of the 23 stocking
centres through one day on one path: products × 23 × days × paths. In `_regions` demand comes from
20 regions, and the three nearest fulfilment centres serve each, the cheapest first.
`restock_whole_units` ships whole units instead of fractions. Demand is drawn a few days at a time
with the clock stopped, so that a year is never in memory (`drawing_seconds` is what it takes);
each window is a measurement of its own, and the rate is that of all days together, after a window
to warm up. `chunk_paths` paths are simulated at once.

`numpy` is a plain loop over days in numpy, vectorised over paths, products and places, and
`python` a loop over single locations; both know this one network and book its cost alone, where
restock keeps every flow and can differentiate it. `gym_invmgmt` is gym-invmgmt, the successor of
or-gym, one product on one path an episode, which is all that it can hold; it fills orders in turn
and from the stock before the day's deliveries, so that its cost on this network is another
(`cost_over_python_loop`). Before anything is timed, restock, `numpy` and `python` must book the
same cost for each product and path in double precision to ten digits; gym-invmgmt must where
distribution centres have ample stock, when the two rules are one. At full size, in single
precision, `numpy` and restock must book the same total to five digits.

Each row is a process of its own. `threads` are torch's; numpy and Python use one. Peak memory is
the process's maximum resident set, libraries included (`memory_after_import_mib`), and for many
products the description of the instance too (`memory_after_building_mib`). `growth` rows have
{growth_paths} paths and fewer days the more products there are. `processor_seconds` far below
`simulating_seconds` × `threads` tell of a machine that was not idle.
"""
MAIN = {"products": 1_000, "paths": 100, "days": 365, "window_days": 5}
QUICK_MAIN = MAIN | {"products": 200, "paths": 20, "days": 20}
GROWTH_PATHS = 10
GROWTH = {100: (365, 5), 1_000: (365, 5), 10_000: (73, 5), 100_000: (16, 2)}
QUICK_GROWTH = {100: (20, 5), 1_000: (20, 5), 10_000: (5, 5)}
SAME_TOTAL = 1e-5


def rows_of(*, quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return what to measure, row by row; ``part`` is the table that a row is for."""
    size = QUICK_MAIN if quick else MAIN
    main = size | {"part": "network"}
    rows: list[dict[str, Any]] = [
        main | {"kind": kind, "threads": each}
        for kind in ("restock", "restock_regions")
        for each in sorted({1, threads})
    ]
    short = main | {"days": min(size["days"], 73)}
    rows += [short | {"kind": "restock_whole_units"}]
    rows += [short | {"kind": "restock", "chunk_paths": size["paths"] // 5}]
    rows += [main | {"kind": kind} for kind in ("numpy", "numpy_regions")]
    few = {"products": 8, "paths": 1, "window_days": 73, "days": 73 if quick else 365}
    rows += [few | {"kind": kind, "part": "network"} for kind in ("python", "python_regions")]
    rows += [
        {"part": "growth", "kind": "restock", "products": products, "paths": GROWTH_PATHS}
        | {"days": days, "window_days": window}
        for products, (days, window) in (QUICK_GROWTH if quick else GROWTH).items()
    ]
    return rows


def ran(command: list[str], what: str) -> list[dict[str, Any]]:
    """Run one of our modules from the root and return the rows that it prints as JSON."""
    done = subprocess.run(  # noqa: S603 - our own modules
        command, check=False, capture_output=True, text=True, cwd=ROOT
    )
    if done.returncode != 0:
        sys.exit(f"{what} could not be measured:\n{done.stderr}")
    printed = json.loads(done.stdout.splitlines()[-1])
    return printed if isinstance(printed, list) else [printed]


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """Measure one row in a process of its own."""
    asked = {name: value for name, value in row.items() if name != "part"}
    module = [sys.executable, "-m", "benchmarks.network.measure", json.dumps(asked)]
    return {"part": row["part"]} | ran(module, f"row {row}")[0]


def rival(python: str | None, *, quick: bool) -> dict[str, Any]:
    """Measure gym-invmgmt, or say why it cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        if python is None:
            python = str(Path(folder) / "bin" / "python")
            error = installed(folder, python)
            if error is not None:
                return {"part": "network", "kind": "gym_invmgmt", "error": error}
        asked = {"episodes": 2 if quick else 8, "days": 60 if quick else 365}
        module = [python, "-m", "benchmarks.network.invmgmt", json.dumps(asked)]
        return {"part": "network"} | ran(module, RIVAL)[0]


def installed(folder: str, python: str) -> str | None:
    """Install the rival for ``python``, made in ``folder``; return the error, if any."""
    steps = [
        [sys.executable, "-m", "venv", "--without-pip", folder],
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", RIVAL],
    ]
    for step in steps:
        try:
            done = subprocess.run(  # noqa: S603 - fixed arguments
                step, check=False, capture_output=True, text=True, timeout=300
            )
        except subprocess.TimeoutExpired:
            return f"{RIVAL} did not install within 300 seconds"
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no message"]
            return f"{RIVAL} does not install: {last[0]}"
    return None


def rate(rows: list[dict[str, Any]], **wanted: object) -> float | None:
    """Return location-days a second of the first row like ``wanted``, ``None`` without one."""
    for row in rows:
        if all(row.get(name) == value for name, value in wanted.items()):
            value: float | None = row.get("location_days_per_second")
            return value
    return None


def difference_of_totals(rows: list[dict[str, Any]]) -> float:
    """Return how far numpy's and restock's totals lie apart at full size, relative."""
    worst = 0.0
    costs = {
        row["kind"]: row["cost_per_location_day"]
        for row in reversed(rows)
        if row["part"] == "network" and "error" not in row and row["chunk_paths"] == row["paths"]
    }
    for kind in ("", "_regions"):
        ours, numpys = costs[f"restock{kind}"], costs[f"numpy{kind}"]
        worst = max(worst, abs(ours - numpys) / ours)
    if not worst <= SAME_TOTAL:
        sys.exit(f"restock and numpy book totals {worst} apart, above {SAME_TOTAL}: {costs}")
    return worst


def summary_of(
    rows: list[dict[str, Any]], agreement: list[dict[str, Any]], threads: int
) -> dict[str, Any]:
    """Return speeds, ratios, growth and differences by name."""
    summary: dict[str, Any] = {}
    network = [row for row in rows if row["part"] == "network"]
    for kind in ("restock", "restock_regions"):
        for each in sorted({1, threads}):
            name = f"{kind}_location_days_per_second_threads_{each}"
            summary[name] = rate(network, kind=kind, threads=each)
    for kind in ("numpy", "numpy_regions", "python", "python_regions", "gym_invmgmt"):
        ours = rate(network, kind="restock_regions" if "regions" in kind else "restock", threads=1)
        theirs = rate(network, kind=kind)
        summary[f"ratio_to_{kind}"] = None if theirs is None or ours is None else ours / theirs
    summary["peak_memory_mib"] = max(
        row["peak_memory_mib"] for row in network if row["kind"].startswith("restock")
    )
    growth = [row for row in rows if row["part"] == "growth"]
    for row in growth:
        products = row["products"]
        summary[f"nanoseconds_per_location_day_{products}"] = row["nanoseconds_per_location_day"]
        summary[f"peak_memory_mib_{products}"] = row["peak_memory_mib"]
    summary |= growth_exponents(growth)
    summary["largest_relative_difference_double_precision"] = max(
        value for row in agreement for name, value in row.items() if name.endswith("_difference")
    )
    summary["relative_difference_of_totals_single_precision"] = difference_of_totals(rows)
    summary["least_processor_share"] = min(
        row["processor_seconds"] / row["simulating_seconds"] / row["threads"]
        for row in rows
        if "processor_seconds" in row
    )
    return summary


def growth_exponents(growth: list[dict[str, Any]]) -> dict[str, float]:
    """Return e in time a day ~ productsᵉ from each size to the next: 1 is linear."""
    exponents = {}
    for small, large in pairwise(growth):
        more = large["products"] / small["products"]
        longer = large["nanoseconds_per_location_day"] / small["nanoseconds_per_location_day"]
        name = f"growth_exponent_{small['products']}_to_{large['products']}"
        exponents[name] = 1 + math.log(longer) / math.log(more)
    return exponents


def main() -> None:
    """Check that all book the same, measure every row, then write the results."""
    parser = argparse.ArgumentParser(description=QUESTION)
    parser.add_argument("--quick", action="store_true", help="fewer products, paths and days")
    parser.add_argument("--threads", type=int, default=2, help="torch threads (default 2)")
    parser.add_argument("--rival-python", help="an interpreter that has gym-invmgmt")
    arguments = parser.parse_args()
    quick, threads = arguments.quick, arguments.threads
    begin = time.perf_counter()
    agreement = ran([sys.executable, "-m", "benchmarks.network.agreement"], "agreement")
    rows = []
    for row in rows_of(quick=quick, threads=threads):
        rows.append(measured(row))
        told = rows[-1]
        size = f"{told['products']:>7,} × {told['paths']}"
        speed = f"{told['location_days_per_second']:>13,.0f} location-days/s"
        print(f"{told['kind']:>20} {size:>13} threads {told['threads']}: {speed}", flush=True)
    rows.append(rival(arguments.rival_python, quick=quick))
    found = rows[-1].get("location_days_per_second")
    print(f"{'gym_invmgmt':>20}", rows[-1].get("error") or f"{found:,.0f} location-days/s")

    # only now: a child's peak memory starts at its parent's, so the parent stays small till here
    from restock.evaluation.study import StudyResult, commit_of, machine_facts, markdown_table
    from restock.evaluation.study.report import write_results

    result = StudyResult(
        folder=HERE / "quick" if quick else HERE,
        question=QUESTION,
        protocol=PROTOCOL.format(growth_paths=GROWTH_PATHS),
        command="python benchmarks/network/benchmark.py" + (" --quick" if quick else ""),
        commit=commit_of(HERE),
        machine=machine_facts(),
        seconds=time.perf_counter() - begin,
        rows=[*rows, *agreement],
        summary=summary_of(rows, agreement, threads),
    )
    tables = [markdown_table([row for row in rows if row["part"] == "network"])]
    tables += ["## Growth", markdown_table([row for row in rows if row["part"] == "growth"])]
    tables += ["## Agreement", markdown_table(agreement)]
    write_results(result, "\n\n".join(tables))


if __name__ == "__main__":
    main()
