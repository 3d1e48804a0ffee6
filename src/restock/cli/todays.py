"""Asking a project for today's proposals: what ``propose`` and ``explain`` share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from restock.planning import Project, Proposals

__all__ = ["todays_proposals"]


def todays_proposals(project: "Project") -> "Proposals":
    """Return today's list, with progress on stderr."""
    from restock.cli.progress import show_progress
    from restock.cli.threads import use_one_torch_thread
    from restock.planning import open_planner, policy_file, recall_policy

    path = policy_file(project)
    use_one_torch_thread()
    with show_progress() as tell:
        planner = open_planner(project, None, tell)
        case = planner.build_case()
        tell("forecast", "forecast", 1.0)
        policy = recall_policy(planner, case, path)
        proposals = planner.propose(case, policy)
        tell("propose", "propose", 1.0)
    return proposals
