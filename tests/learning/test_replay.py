"""Replay gives back what was played, n rewards at a time, and surprising steps more often."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from restock.errors import CheckpointError, ConfigurationError
from restock.learning import replay as replay_module
from restock.learning.interaction import Transitions
from restock.learning.replay import Priority, ReplayBuffer, available_bytes
from restock.learning.returns import n_step_returns
from restock.learning.sum_tree import SumTree
from restock.seeds import Seeds

NAN = float("nan")


def buffer(capacity: int, environments: int = 1, **settings: Any) -> ReplayBuffer:  # noqa: ANN401
    return ReplayBuffer(capacity, environments, (1,), (), action_dtype=torch.int64, **settings)


def play(
    replay: ReplayBuffer,
    rewards: Tensor,
    *,
    terminated: Tensor | None = None,
    truncated: Tensor | None = None,
) -> None:
    """Add steps ``[T, B]``; step t of environment b saw 100·b + t, and then 100·b + t + 1."""
    none = torch.zeros_like(rewards, dtype=torch.bool)
    over, cut = (none if each is None else each for each in (terminated, truncated))
    names = 100.0 * torch.arange(rewards.shape[1]).unsqueeze(-1)
    for step, paid in enumerate(rewards):
        seen = names + step
        replay.add(Transitions(seen, seen[:, 0].long(), paid, seen + 1, over[step], cut[step]))


def flags(*where: int, steps: int) -> Tensor:
    found = torch.zeros(steps, 1, dtype=torch.bool)
    found[list(where)] = True
    return found


def test_a_step_comes_back_as_it_was_played() -> None:
    replay = buffer(10, 2, discount=0.9)
    over = torch.tensor([[False, False], [False, True]])
    play(replay, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), terminated=over)
    batch = replay.at(torch.tensor([3, 0]))
    assert batch.observation.tolist() == [[101.0], [0.0]]
    assert batch.action.tolist() == [101, 0]
    assert batch.reward.tolist() == [4.0, 1.0]
    assert batch.next_observation.tolist() == [[102.0], [1.0]]
    assert batch.terminated.tolist() == [True, False]
    assert batch.discount.tolist() == pytest.approx([0.0, 0.9])
    assert batch.weight.tolist() == [1.0, 1.0]


def test_all_steps_are_drawn_alike_and_none_that_was_not_played() -> None:
    replay = buffer(1000)
    play(replay, torch.zeros(5, 1))
    drawn = replay.sample(50_000, Seeds(1).torch("draws")).observation.flatten().long()
    # 10,000 each, standard deviation 89
    assert drawn.bincount().tolist() == pytest.approx([10_000] * 5, abs=400)


def test_the_oldest_steps_make_place_for_the_newest() -> None:
    replay = buffer(7, 2)
    assert replay.capacity == 6
    play(replay, torch.zeros(4, 2))
    assert len(replay) == 6
    assert replay.observation.flatten().tolist() == [3.0, 103.0, 1.0, 101.0, 2.0, 102.0]


# r = 1, 2, 4, 8, 16, 32 with γ = ½ and n = 3; step 1 is the last of a terminated episode, step 4 of
# one that was cut off, and step 5 is the newest
BY_HAND = [
    (0, 1 + 2 / 2, 2.0, 0.0),  # over after two rewards: no bootstrap
    (1, 2.0, 2.0, 0.0),
    (2, 4 + 8 / 2 + 16 / 4, 5.0, 1 / 8),  # three rewards, then V of what was seen last
    (3, 8 + 16 / 2, 5.0, 1 / 4),  # cut off after two: V sooner
    (4, 16.0, 5.0, 1 / 2),
    (5, 32.0, 6.0, 1 / 2),  # nothing was played after it
]


@pytest.mark.parametrize(("step", "reward", "led_to", "discount"), BY_HAND)
@pytest.mark.parametrize("capacity", [6, 7])
def test_three_rewards_stand_before_the_value(
    capacity: int, step: int, reward: float, led_to: float, discount: float
) -> None:
    replay = buffer(capacity, discount=0.5, steps=3)
    rewards = 2.0 ** torch.arange(6).unsqueeze(-1)
    play(replay, rewards, terminated=flags(1, steps=6), truncated=flags(4, steps=6))
    batch = replay.at(torch.tensor([step]))
    assert batch.reward.item() == pytest.approx(reward)
    assert batch.next_observation.item() == led_to
    assert batch.discount.item() == pytest.approx(discount)
    assert batch.terminated.item() == (discount == 0.0)


def test_rewards_are_summed_over_the_seam_of_the_ring() -> None:
    replay = buffer(4, discount=0.5, steps=3)
    play(replay, 2.0 ** torch.arange(6).unsqueeze(-1))
    # slots hold steps 4, 5, 2, 3: that of step 3 goes on at slot 0
    batch = replay.at(torch.tensor([3, 1]))
    assert batch.reward.tolist() == [8 + 16 / 2 + 32 / 4, 32.0]
    assert batch.next_observation.flatten().tolist() == [6.0, 6.0]


def test_targets_are_the_n_step_returns_of_the_rollout() -> None:
    seed = Seeds(3).torch("rollout")
    rewards, values = torch.rand(2, 30, 4, generator=seed).unbind()
    terminated = torch.rand(30, 4, generator=seed) < 0.1
    ended = terminated | (torch.rand(30, 4, generator=seed) < 0.1)
    replay = buffer(120, 4, discount=0.9, steps=4)
    play(replay, rewards, terminated=terminated, truncated=ended & ~terminated)
    batch = replay.at(torch.arange(120))
    environment = (batch.next_observation // 100).long().flatten()
    # a next observation names the step before it, whose value is the one behind it
    led_to = values[(batch.next_observation % 100).long().flatten() - 1, environment]
    found = (batch.reward + batch.discount * led_to).view(30, 4)
    exact = n_step_returns(rewards, values, terminated, ended, discount=0.9, steps=4)
    torch.testing.assert_close(found, exact)
    shorter = n_step_returns(rewards, values, terminated, ended, discount=0.9, steps=3)
    assert not torch.allclose(found, shorter)


def test_what_was_never_played_is_never_counted() -> None:
    replay = buffer(10, discount=1.0, steps=4)
    replay.reward.fill_(NAN)
    play(replay, torch.ones(3, 1))
    assert replay.at(torch.arange(3)).reward.tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(("cuts", "reward"), [(True, 1.0), (False, 3.0)])
def test_a_cut_keeps_rewards_of_other_episodes_out(*, cuts: bool, reward: float) -> None:
    # 1 + 2 with γ = 1 is the negative control: what comes of it when nobody says cut
    replay = buffer(10, discount=1.0, steps=2)
    play(replay, torch.tensor([[1.0]]))
    if cuts:
        replay.cut()
    play(replay, torch.tensor([[2.0]]))
    assert replay.at(torch.tensor([0])).reward.item() == reward


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_steps_are_drawn_in_proportion_to_their_priority(exponent: float) -> None:
    replay = buffer(4, priority=Priority(exponent=exponent, least=1e-9), discount=0.9)
    play(replay, torch.zeros(4, 1))
    error = torch.tensor([1.0, -4.0, 9.0, -16.0])
    replay.reprioritise(torch.arange(4), error)
    batch = replay.sample(40_000, Seeds(1).torch("draws"), beta=0.5)
    exact = error.abs() ** exponent / (error.abs() ** exponent).sum()
    share = batch.index.bincount(minlength=4) / 40_000
    # drawn out of equal parts of the sum, a share is exact but for its two ends
    torch.testing.assert_close(share, exact, atol=1e-4, rtol=0)
    weight = (4 * exact) ** -0.5
    torch.testing.assert_close(batch.weight, (weight / weight.max())[batch.index])


def test_weights_undo_what_priorities_prefer() -> None:
    replay = buffer(3, priority=Priority(exponent=1.0))
    play(replay, torch.tensor([[1.0], [2.0], [6.0]]))
    replay.reprioritise(torch.arange(3), torch.tensor([1.0, 1.0, 8.0]))
    batch = replay.sample(20_000, Seeds(1).torch("draws"), beta=1.0)
    # Σ w r / Σ w is the plain mean, 3
    assert float((batch.weight * batch.reward).sum() / batch.weight.sum()) == pytest.approx(3, 1e-2)
    # the negative control: without weights the mean is (1 + 2 + 8·6)/10
    assert float(batch.reward.mean()) == pytest.approx(5.1, rel=1e-2)


def test_a_new_step_has_the_greatest_priority_so_far() -> None:
    replay = buffer(4, priority=Priority(exponent=1.0, least=1e-9))
    play(replay, torch.zeros(2, 1))
    replay.reprioritise(torch.tensor([0, 1]), torch.tensor([7.0, 0.5]))
    play(replay, torch.zeros(1, 1))
    assert replay.tree is not None
    assert replay.tree.leaves[:4].tolist() == pytest.approx([7.0, 0.5, 7.0, 0.0])


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 5000])
def test_the_sum_tree_finds_what_a_running_sum_finds(size: int) -> None:
    seed, tree = Seeds(size).torch("weights"), SumTree(size)
    weight = torch.zeros(size, dtype=torch.float64)
    for _ in range(3):
        index = torch.randperm(size, generator=seed)[: size // 2 + 1]
        weight[index] = torch.rand(len(index), generator=seed, dtype=torch.float64)
        tree.set(index, weight[index])
    share = torch.rand(2000, generator=seed, dtype=torch.float64)
    sums = weight.cumsum(0)
    found = tree.find(share)
    assert torch.equal(found, torch.searchsorted(sums, share * sums[-1], right=True))
    torch.testing.assert_close(tree.share(found), weight[found] / weight.sum())


def test_the_sum_tree_never_finds_a_leaf_without_weight() -> None:
    tree, least = SumTree(200), torch.tensor([0.0, 1 - 1e-16, 0.5], dtype=torch.float64)
    tree.set(torch.tensor([70, 130]), torch.tensor([0.1, 0.2], dtype=torch.float64))
    assert tree.find(least).tolist() == [70, 130, 130]


@pytest.mark.parametrize("played", [2, 9])
def test_a_saved_replay_goes_on_as_the_first(played: int) -> None:
    priority = Priority()
    one, other = (buffer(12, 2, steps=3, priority=priority) for _ in range(2))
    play(one, torch.rand(played, 2, generator=Seeds(1).torch("rewards")))
    one.reprioritise(torch.tensor([0, 3]), torch.tensor([5.0, 0.1]))
    kept = one.state_dict()
    assert kept["reward"].untyped_storage().nbytes() == 4 * len(one)
    other.load_state_dict(kept)
    for replay in (one, other):
        play(replay, torch.full((1, 2), 3.0))
    drawn = [replay.sample(64, Seeds(2).torch("draws")) for replay in (one, other)]
    for mine, its in zip(*drawn, strict=True):
        assert torch.equal(mine, its)


def test_a_replay_of_another_shape_is_refused() -> None:
    replay = buffer(4)
    play(replay, torch.zeros(3, 1))
    with pytest.raises(CheckpointError, match=r"`observation` of the saved replay .*\(4, 1\)"):
        ReplayBuffer(4, 1, (2,), ()).load_state_dict(replay.state_dict())
    with pytest.raises(CheckpointError, match="Use the settings of the run"):
        buffer(2).load_state_dict(replay.state_dict())


def test_too_little_memory_is_told_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    # a row has 2 · 4 bytes of observations, 8 of the action, 4 of the reward and 2 flags: 22
    monkeypatch.setattr(replay_module, "available_bytes", lambda: 22_000)
    assert len(buffer(900)) == 0
    with pytest.raises(ConfigurationError, match=r"901 steps needs .* GiB.*`capacity` to 900"):
        buffer(901)
    monkeypatch.setattr(replay_module, "available_bytes", lambda: None)
    assert buffer(901).capacity == 901


def test_memory_that_no_machine_has_is_refused_here() -> None:
    free = available_bytes()
    assert free is None or 2**20 < free < 2**50
    if free is not None:
        with pytest.raises(ConfigurationError, match="GiB may be taken"):
            buffer(10**15)


@pytest.mark.parametrize(
    "settings", [{"exponent": NAN}, {"exponent": 1.1}, {"correction": -0.1}, {"least": 0.0}]
)
def test_a_priority_out_of_range_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        Priority(**settings)


def test_a_buffer_that_holds_no_step_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="`capacity` must hold a step of each of 8"):
        buffer(7, 8)


def test_in_a_container_its_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "CGROUP", tmp_path)
    here = available_bytes()
    (tmp_path / "memory.max").write_text("5000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("2000\n", encoding="ascii")
    if Path("/proc/meminfo").exists():
        assert available_bytes() == 3000
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert available_bytes() == pytest.approx(here, rel=0.2)


def test_a_buffer_more_than_half_full_is_not_copied() -> None:
    replay = buffer(4)
    play(replay, torch.zeros(2, 1))
    assert replay.state_dict()["reward"].data_ptr() != replay.reward.data_ptr()
    play(replay, torch.zeros(1, 1))
    tree = replay.state_dict()
    assert tree["reward"].data_ptr() == replay.reward.data_ptr()
    other = buffer(4)
    other.load_state_dict(tree)
    assert len(other) == 3
    assert torch.equal(other.observation[:3], replay.observation[:3])
