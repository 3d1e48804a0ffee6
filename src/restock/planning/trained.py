"""Keeping the rule that today's proposals follow: trained once, used every day until it is stale.

A learned rule is kept in a file with the facts that it was trained for, and is refused when one
of them has changed. Classical rules are tuned within seconds and never kept.
"""

import hashlib
import json
from itertools import product
from pathlib import Path

from restock.errors import InputError, did_you_mean, require
from restock.planning.case import PlanningCase
from restock.planning.learned import VIEWS
from restock.planning.pipeline import LEARNED, Planner
from restock.planning.project import Project
from restock.planning.propose import Proposals
from restock.policies import Ensemble, NeuralOrderUpTo, load_policy, save_policy
from restock.policies.neural.saving import require_saved
from restock.simulation import Policy

__all__ = [
    "keep_policy",
    "only_product",
    "policy_file",
    "recall_policy",
    "train_today",
    "training_log",
]


def policy_file(project: Project) -> Path:
    """Return where a project's learned rule is kept.

    Raises :class:`CheckpointError` when proposals follow it and it is not there, so that nobody
    waits for a forecast to be told.
    """
    path = project.runs / "train" / "policy.pt"
    if project.settings.rule == LEARNED:
        require_saved(path)
    return path


def train_today(planner: Planner, case: PlanningCase) -> Policy:
    """Train the learned rule on all days before today, whichever rule proposals follow."""
    stop = planner.history.n_days
    return planner.rule(LEARNED, "train").tune(planner.ground(case, stop))


def training_log(planner: Planner) -> list[dict[str, object]]:
    """Return the log of every network trained for today, ``network`` counting them from 0.

    It is read from the planner's work folder, so that it holds what an interrupted run had done.
    """
    rows: list[dict[str, object]] = []
    first = 1000 * planner.settings.seed
    seeds = range(first, first + planner.settings.training.seeds)
    for network, (seed, view) in enumerate(product(seeds, VIEWS)):
        name = f"{LEARNED}-{view}-{planner.history.n_days}-{seed}"
        path = None if planner.work is None else planner.work / name / "log.jsonl"
        if path is not None and path.is_file():
            lines = path.read_text(encoding="utf-8").splitlines()
            rows += [{"network": network, **json.loads(line)} for line in lines]
    return rows


def keep_policy(planner: Planner, case: PlanningCase, policy: Policy, path: Path) -> Path:
    """Write a learned rule that was trained on ``case`` to ``path``; returns the path."""
    members = policy.members if isinstance(policy, Ensemble) else (policy,)
    networks = [member for member in members if isinstance(member, NeuralOrderUpTo)]
    return save_policy(networks, case.history.product_ids, path, _facts(planner, case))


def recall_policy(planner: Planner, case: PlanningCase, path: Path) -> Policy:
    """Return the rule for today: the learned one from ``path``, a classical one tuned now.

    Raises :class:`CheckpointError` when the learned rule is not there or was trained for other
    products, lead times or settings.
    """
    if planner.settings.rule == LEARNED:
        return load_policy(path, case.history.product_ids, _facts(planner, case))
    return planner.todays_policy(case)


def only_product(proposals: Proposals, product_id: str) -> dict[str, object]:
    """Return the line of one product; raises :class:`InputError` for an unknown one."""
    known = proposals.table["product"].to_list()
    require(
        product_id in known,
        InputError,
        f"product '{product_id}' is not among the {len(known)} that are planned."
        f"{_nearest(product_id, known)}",
    )
    return proposals.table.row(known.index(product_id), named=True)


def _nearest(given: str, known: list[str]) -> str:
    hint = did_you_mean(given, known)
    if "Known:" in hint and len(known) > 10:
        hint = f" Known are {known[0]}, {known[1]}, {known[2]}, …"
    return f"{hint} `data.products` in restock.toml says how many are planned."


def _facts(planner: Planner, case: PlanningCase) -> dict[str, str]:
    lanes = sorted((lane.product_id, lane.lead_time_periods) for lane in case.instance.lanes)
    settings = planner.settings
    return {
        "lead times": hashlib.blake2b(repr(lanes).encode(), digest_size=4).hexdigest(),
        "assumptions": settings.assumptions.model_dump_json(),
        "training": f"seed {settings.seed}, {settings.training.model_dump_json()}",
    }
