from hypothesis import given, settings
from random_instances import Switches, switches
from random_runs import build_run
from two_books import book_batched, mismatches, world_of
import os

EXAMPLES = int(os.environ.get("RESTOCK_EXAMPLES", "100"))

@given(switches())
@settings(max_examples=EXAMPLES)
def test_the_simulator_books_what_the_ledger_books(on: Switches) -> None:
    run = build_run(on)
    found = mismatches(run, book_batched(run, world_of(run)), exact=on.is_exact)
    assert found == [], found[:6]
