"""Returns and advantages equal their definitions, and bootstrap where they should."""

from typing import Any

import torch
from torch import Tensor

from restock.learning.returns import generalised_advantages, lambda_returns, n_step_returns
from restock.seeds import Seeds

T, B = 7, 200
DISCOUNT = 0.9


def rollout() -> dict[str, Tensor]:
    """Return rewards, values and episode ends drawn at random; a third of the ends are for good."""
    chance = Seeds(0).torch("rollout")
    ended = torch.rand((T, B), generator=chance) < 0.3
    return {
        "rewards": torch.randn((T, B), generator=chance, dtype=torch.float64),
        "next_values": torch.randn((T, B), generator=chance, dtype=torch.float64),
        "terminated": ended & (torch.rand((T, B), generator=chance) < 0.3),
        "ended": ended,
    }


def n_step_by_definition(played: dict[str, Tensor], steps: int, t: int, b: int) -> float:
    """Return r_t + γ r_{t+1} + … + γ^m V, one number after another (eq. 7.1)."""
    total, weight = 0.0, 1.0
    for ahead in range(steps):
        step = t + ahead
        total += weight * float(played["rewards"][step, b])
        weight *= DISCOUNT
        if played["ended"][step, b] or ahead == steps - 1 or step == T - 1:
            break
    is_over = bool(played["terminated"][step, b])
    return total + (0.0 if is_over else weight * float(played["next_values"][step, b]))


def longest(played: dict[str, Tensor], t: int, b: int) -> int:
    """Return how many rewards are left in the episode and the rollout."""
    for step in range(t, T):
        if played["ended"][step, b]:
            return step - t + 1
    return T - t


def test_n_step_returns_equal_their_definition() -> None:
    played = rollout()
    for steps in (1, 2, 3, T, T + 5):
        found = n_step_returns(**played, discount=DISCOUNT, steps=steps)
        wanted = [[n_step_by_definition(played, steps, t, b) for b in range(B)] for t in range(T)]
        assert torch.allclose(found, torch.tensor(wanted, dtype=torch.float64), atol=1e-12)


def test_lambda_returns_are_the_weighted_mean_of_n_step_returns() -> None:
    # eq. 12.3: (1 − λ) Σ_{n < N} λ^(n−1) G^(n) + λ^(N−1) G^(N), N rewards being left
    played, decay = rollout(), 0.7
    found = lambda_returns(**played, discount=DISCOUNT, decay=decay)
    for t in range(T):
        for b in range(B):
            last = longest(played, t, b)
            mean = sum(
                (1 - decay) * decay ** (n - 1) * n_step_by_definition(played, n, t, b)
                for n in range(1, last)
            ) + decay ** (last - 1) * n_step_by_definition(played, last, t, b)
            assert abs(float(found[t, b]) - mean) < 1e-12


def test_extreme_decays_are_one_step_targets_and_whole_sums() -> None:
    played = rollout()
    one, whole = (n_step_returns(**played, discount=DISCOUNT, steps=n) for n in (1, T))
    assert torch.allclose(lambda_returns(**played, discount=DISCOUNT, decay=0.0), one)
    assert torch.allclose(lambda_returns(**played, discount=DISCOUNT, decay=1.0), whole)


def test_advantages_are_lambda_returns_less_what_was_expected() -> None:
    # values must be of one function: V of where a step led is V of where the next begins
    played = rollout()
    values = torch.randn((T, B), generator=Seeds(1).torch("values"), dtype=torch.float64)
    goes_on = ~played["ended"][:-1]
    played["next_values"][:-1][goes_on] = values[1:][goes_on]
    given: dict[str, Any] = {**played, "discount": DISCOUNT, "decay": 0.7}
    advantages = generalised_advantages(values=values, **given)
    assert torch.allclose(advantages + values, lambda_returns(**given))


def test_a_constant_world_is_worth_the_same_however_far_one_looks() -> None:
    # 1 + 0.9 · 10 = 10: reward 1 for ever at discount 0.9, cut in places
    ones, cut = torch.ones(T, B), rollout()["ended"]
    never = torch.zeros_like(cut)
    given: dict[str, Any] = {"rewards": ones, "next_values": 10 * ones, "discount": DISCOUNT}
    for steps in (1, 3, T):
        assert torch.allclose(
            n_step_returns(**given, terminated=never, ended=cut, steps=steps), 10 * ones
        )
    assert torch.allclose(
        lambda_returns(**given, terminated=never, ended=cut, decay=0.8), 10 * ones
    )
    # the control: a cut taken for an end makes the world look worse, and only where cuts are seen
    wrong = lambda_returns(**given, terminated=cut, ended=cut, decay=0.8)
    assert bool((wrong[cut] == 1).all())
    assert float(wrong.mean()) < 8


def test_what_comes_after_an_episode_does_not_count() -> None:
    played = rollout()
    before = lambda_returns(**played, discount=DISCOUNT, decay=0.9)
    ended = played["ended"][2]
    for name in ("rewards", "next_values"):
        played[name][3:] += 100.0
    after = lambda_returns(**played, discount=DISCOUNT, decay=0.9)
    assert torch.equal(after[:3, ended], before[:3, ended])
    # the control: where the episode goes on, it does
    assert not torch.equal(after[:3, ~ended], before[:3, ~ended])


def test_inputs_stay_as_they_were() -> None:
    played = rollout()
    copies = {name: value.clone() for name, value in played.items()}
    lambda_returns(**played, discount=DISCOUNT, decay=0.9)
    n_step_returns(**played, discount=DISCOUNT, steps=3)
    generalised_advantages(values=played["next_values"], **played, discount=DISCOUNT, decay=0.9)
    assert all(torch.equal(played[name], copies[name]) for name in played)
