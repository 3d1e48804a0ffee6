"""Where results come from: the machine and the commit, without host names or paths."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["commit_of", "machine_facts"]

_RESULTS = (
    "**/results.json",
    "**/results.md",
    "**/quick/**",
    "**/partial/**",
    "**/__pycache__/**",
)


def machine_facts() -> dict[str, Any]:
    """Return processor, cores at hand, memory in GiB, system, Python and torch versions."""
    import torch

    return {
        "processor": _processor(),
        "cores": _cores(),
        "memory_gib": _memory_gib(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def commit_of(folder: Path) -> str:
    """Return the short commit of the working tree around ``folder``.

    It ends in ``-dirty`` when anything but results differs from the commit, and is ``unknown``
    where there is no git or no repository.
    """
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    if not commit:
        return "unknown"
    outside_results = [f":(top,exclude,glob){pattern}" for pattern in _RESULTS]
    changes = _git(folder, "status", "--porcelain", "--", ":(top)", *outside_results)
    return commit if changes == "" else f"{commit}-dirty"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - the user's own git
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return None
    return round(size / 2**30, 1)
