"""``restock train``: learn the rule that today's proposals follow."""

from pathlib import Path

from restock.cli.options import JsonOption, ProjectArgument

__all__ = ["train"]


def train(project: ProjectArgument = Path(), *, as_json: JsonOption = False) -> None:
    """Train the learned rule on everything before today.

    Writes policy.pt and log.jsonl (one line per update) into runs/train. Interrupted, the next
    run goes on from the last checkpoint to the same policy.

    For example:

    - restock train my-shop
    - restock train my-shop --json
    """
    import json
    import shutil
    import time

    from restock.cli.places import check_writable
    from restock.cli.progress import show_progress
    from restock.cli.screen import print_json, print_text
    from restock.cli.threads import use_one_torch_thread
    from restock.planning import Project, keep_policy, open_planner, train_today, training_log
    from restock.reporting import write_together

    opened = Project(project)
    folder = opened.runs / "train"
    check_writable(folder)
    use_one_torch_thread()
    started = time.perf_counter()
    with show_progress() as tell:
        planner = open_planner(opened, folder / "work", tell)
        case = planner.build_case()
        tell("forecast", "forecast", 1.0)
        policy = train_today(planner, case)
        tell("train", "train", 1.0)
    log = training_log(planner)
    policy_file = keep_policy(planner, case, policy, folder / "policy.pt")
    log_file = folder / "log.jsonl"
    write_together({log_file: "".join(f"{json.dumps(row)}\n" for row in log)})
    shutil.rmtree(folder / "work", ignore_errors=True)
    seconds = time.perf_counter() - started
    networks = len({row["network"] for row in log})
    if as_json:
        print_json(
            {
                "products": case.history.n_products,
                "networks": networks,
                "updates": len(log),
                "seconds": seconds,
                "files": [policy_file, log_file],
            }
        )
        return
    print_text(
        f"Trained {networks} networks for {case.history.n_products} products in"
        f" {len(log)} updates, {seconds:.0f} s."
    )
    print_text(f"Written: {policy_file}, {log_file}")
    print_text("Next: `restock propose`; `restock backtest` says how good such a rule was.")
