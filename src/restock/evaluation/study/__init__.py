"""A study is data: a question, instances × methods × seeds, rows, results written by the run."""

from restock.evaluation.study.provenance import commit_of, machine_facts
from restock.evaluation.study.report import StudyResult, markdown_table
from restock.evaluation.study.runner import RowProgress, find_study, run_study
from restock.evaluation.study.settings import Parameters, StudySettings

__all__ = [
    "Parameters",
    "RowProgress",
    "StudyResult",
    "StudySettings",
    "commit_of",
    "find_study",
    "machine_facts",
    "markdown_table",
    "run_study",
]
