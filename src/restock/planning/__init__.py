"""What should be done today? Tune, train, backtest, propose."""

from restock.planning.backtest import Backtest, HindsightBound, backtest, face, hindsight_bound
from restock.planning.case import PlanningCase, Window, rolling_windows
from restock.planning.learned import LearnedConfig, LearnedRule, train_policy
from restock.planning.pipeline import LEARNED, Plan, Planner, Progress
from restock.planning.project import Assumptions, Project, ProjectSettings
from restock.planning.propose import Proposals, propose
from restock.planning.rules import CLASSICAL_RULES, Rule
from restock.planning.supply import instance_of, trading_days_per_week
from restock.planning.tuning import TuningGround

__all__ = [
    "CLASSICAL_RULES",
    "LEARNED",
    "Assumptions",
    "Backtest",
    "HindsightBound",
    "LearnedConfig",
    "LearnedRule",
    "Plan",
    "Planner",
    "PlanningCase",
    "Progress",
    "Project",
    "ProjectSettings",
    "Proposals",
    "Rule",
    "TuningGround",
    "Window",
    "backtest",
    "face",
    "hindsight_bound",
    "instance_of",
    "propose",
    "rolling_windows",
    "trading_days_per_week",
    "train_policy",
]
