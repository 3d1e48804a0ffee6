"""How good was it? Business figures, paired comparison with intervals, and the study runner."""

from restock.evaluation.across_seeds import SeedSummary, seed_summary
from restock.evaluation.comparison import ComparisonRow, compare
from restock.evaluation.kpis import PERIODS_PER_YEAR, Kpi, Outcome, concatenate, evaluate
from restock.evaluation.paired import (
    Gain,
    gap_percent,
    interquartile_mean,
    mean_difference,
    paired_gain,
)
from restock.evaluation.resampling import Estimate
from restock.evaluation.study import (
    Parameters,
    RowProgress,
    StudyResult,
    StudySettings,
    commit_of,
    find_study,
    machine_facts,
    markdown_table,
    run_study,
)

__all__ = [
    "PERIODS_PER_YEAR",
    "ComparisonRow",
    "Estimate",
    "Gain",
    "Kpi",
    "Outcome",
    "Parameters",
    "RowProgress",
    "SeedSummary",
    "StudyResult",
    "StudySettings",
    "commit_of",
    "compare",
    "concatenate",
    "evaluate",
    "find_study",
    "gap_percent",
    "interquartile_mean",
    "machine_facts",
    "markdown_table",
    "mean_difference",
    "paired_gain",
    "run_study",
    "seed_summary",
]
