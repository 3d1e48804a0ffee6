"""What should be done today? Tune, train, backtest, propose."""

from restock.planning.backtest import Backtest, HindsightBound, backtest, face, hindsight_bound
from restock.planning.case import PlanningCase, Window, rolling_windows
from restock.planning.creation import create_project
from restock.planning.demo import demo_company_config, demo_records, demo_settings
from restock.planning.learned import VIEWS, LearnedConfig, LearnedRule, train_policy
from restock.planning.opening import open_planner
from restock.planning.outlook import outlook
from restock.planning.pipeline import LEARNED, Plan, Planner, Progress
from restock.planning.project import Assumptions, Project, ProjectSettings
from restock.planning.propose import Proposals, propose
from restock.planning.rules import CLASSICAL_RULES, Rule
from restock.planning.source import read_records
from restock.planning.supply import instance_of, trading_days_per_week
from restock.planning.trained import (
    keep_policy,
    only_product,
    policy_file,
    recall_policy,
    train_today,
    training_log,
)
from restock.planning.tuning import TuningGround

__all__ = [
    "CLASSICAL_RULES",
    "LEARNED",
    "VIEWS",
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
    "create_project",
    "demo_company_config",
    "demo_records",
    "demo_settings",
    "face",
    "hindsight_bound",
    "instance_of",
    "keep_policy",
    "only_product",
    "open_planner",
    "outlook",
    "policy_file",
    "propose",
    "read_records",
    "recall_policy",
    "rolling_windows",
    "trading_days_per_week",
    "train_policy",
    "train_today",
    "training_log",
]
