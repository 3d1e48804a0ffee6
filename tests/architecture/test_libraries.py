"""Libraries get along on a bare machine."""

import subprocess
import sys

# modules are entered in the order of their import
TORCH_FIRST = """
import sys
import {module}
loaded = list(sys.modules)
sys.exit(loaded.index("torch") > loaded.index("lightgbm"))
"""


def exit_code(module: str) -> int:
    code = TORCH_FIRST.format(module=module)
    return subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_torch_is_imported_before_lightgbm() -> None:
    # LightGBM's wheel needs libgomp.so.1, which slim images lack and torch brings along
    assert exit_code("restock.forecasting.lightgbm_quantile") == 0


def test_the_other_order_is_seen() -> None:
    assert exit_code("lightgbm, torch") == 1
