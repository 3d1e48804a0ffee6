"""The batched simulator books, event by event, what the plain ledger books.

Random instances switch every feature on and off. Where nothing is divided, quantities are multiples
of a quarter, every sum is exact in double precision, and the two books are compared with ``==``;
elsewhere to nine digits. ``RESTOCK_EXAMPLES`` sets how many instances are drawn.
"""

import os
from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_instances import Switches, Unmet, switches
from random_runs import PATHS, build_run
from two_books import book_batched, mismatches, world_of

EXAMPLES = int(os.environ.get("RESTOCK_EXAMPLES", "150"))


@given(switches())
@settings(max_examples=EXAMPLES)
def test_the_simulator_books_what_the_ledger_books(on: Switches) -> None:
    run = build_run(on)
    assert mismatches(run, book_batched(run, world_of(run))) == []


@given(switches(dividing=False))
@settings(max_examples=EXAMPLES // 5)
def test_where_nothing_is_divided_the_two_books_are_equal_to_the_last_bit(on: Switches) -> None:
    assert on.is_exact
    run = build_run(on)
    assert mismatches(run, book_batched(run, world_of(run))) == []


@given(st.integers(0, 2**32), st.sampled_from(["lost", "waits", "both"]))
@settings(max_examples=20)
def test_lead_times_that_differ_by_path_match_the_ledger_of_each_path(
    seed: int, unmet: Unmet
) -> None:
    run = build_run(Switches(products=2, seed=seed, unmet=unmet, packs="terms"))
    lead_time = np.random.default_rng(seed).integers(0, 5, (PATHS, 2, 1))
    world = world_of(run).with_lead_times(torch.from_numpy(lead_time))
    drawn = np.broadcast_to(lead_time[:, None], (PATHS, run.on.periods, 2, 1))
    assert mismatches(replace(run, lead_time=drawn), book_batched(run, world)) == []
