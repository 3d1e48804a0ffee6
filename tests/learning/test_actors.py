"""What actors say of their actions is what torch's distributions say, and scales are exact."""

import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiBinary
from torch.distributions import Categorical, Normal

from restock.errors import ConfigurationError
from restock.learning.actors import CategoricalActor, GaussianActor, actor_for
from restock.learning.interaction import Arena
from restock.learning.scaling import Moments, ObservationScale, RewardScale, merged
from restock.seeds import Seeds

FEATURES = torch.randn(50, 3, generator=Seeds(1).torch("features"))
SPACE = Box(-9, 9, (3,))


def gaussian(deviation: float = 0.3) -> GaussianActor:
    actor = GaussianActor(
        ObservationScale(SPACE), Box(-2, 6, (2,)), (8,), Seeds(1).torch("actor"), deviation
    )
    for weight in actor.net.parameters():
        weight.data += 0.5
    actor.log_deviation.data += torch.tensor([0.1, -0.7])
    return actor


def categorical() -> CategoricalActor:
    actor = CategoricalActor(ObservationScale(SPACE), 4, (8,), Seeds(1).torch("actor"))
    for weight in actor.net.parameters():
        weight.data += torch.linspace(0, 1, weight.numel()).reshape(weight.shape)
    return actor


def test_a_gaussian_actors_log_probability_and_entropy_are_torchs() -> None:
    actor = gaussian()
    action = actor.draw(FEATURES, Seeds(2).torch("draw"))
    logs, entropy = actor.judge(FEATURES, action)
    told = Normal(actor.net(FEATURES), actor.log_deviation.exp())
    expected = told.log_prob(action).sum(-1), told.entropy().sum(-1)  # type: ignore[no-untyped-call]
    torch.testing.assert_close((logs, entropy), expected)
    # the negative control: the density of the clipped action is another
    clipped, _ = actor.judge(FEATURES, action.clamp(-0.5, 0.5))
    assert not torch.allclose(logs, clipped)


def test_a_categorical_actors_log_probability_and_entropy_are_torchs() -> None:
    actor = categorical()
    action = actor.draw(FEATURES, Seeds(2).torch("draw"))
    logs, entropy = actor.judge(FEATURES, action)
    told = Categorical(logits=actor.net(FEATURES))
    expected = told.log_prob(action), told.entropy()  # type: ignore[no-untyped-call]
    torch.testing.assert_close((logs, entropy), expected)


def test_actions_are_drawn_as_often_as_they_are_probable() -> None:
    actor = categorical()
    many = FEATURES[:1].expand(100_000, 3)
    drawn = actor.draw(many, Seeds(3).torch("draw")).bincount(minlength=4) / len(many)
    chance = actor.net(FEATURES[:1]).softmax(-1)[0]
    error = (chance * (1 - chance) / len(many)).sqrt()
    assert bool(((drawn - chance).abs() < 5 * error).all())
    assert float((chance.max() - chance.min()).detach()) > 0.05  # not simply all the same


def test_gaussian_actions_have_the_mean_and_the_deviation_they_say() -> None:
    actor = gaussian()
    drawn = actor.draw(FEATURES[:1].expand(100_000, 3), Seeds(3).torch("draw")).detach()
    deviation = actor.log_deviation.detach().exp()
    mean = actor.net(FEATURES[:1])[0].detach()
    torch.testing.assert_close(drawn.std(0), deviation, rtol=0.02, atol=0)
    assert bool(((drawn.mean(0) - mean).abs() < 5 * deviation / 100_000**0.5).all())


def test_what_the_environment_is_given_is_in_its_box() -> None:
    actor = gaussian(deviation=9.0)
    given = actor.to_environment(actor.draw(FEATURES, Seeds(2).torch("draw"))).detach()
    assert float(given.min()) == -2
    assert float(given.max()) == 6
    # u = ½ is three quarters of the way from −2 to 6
    assert actor.to_environment(torch.full((1, 2), 0.5)).tolist() == [[4.0, 4.0]]


def test_the_best_action_is_the_most_probable() -> None:
    actor = categorical()
    best = actor.act(FEATURES)
    chances = torch.stack([actor.judge(FEATURES, torch.full((50,), n))[0] for n in range(4)])
    torch.testing.assert_close(best, chances.argmax(0))


def test_a_fresh_actor_is_nearly_the_same_everywhere() -> None:
    actor = actor_for(Arena("restock/LostSalesDiscrete-v0"), "PPO", (64, 64), Seeds(1).torch("a"))
    seen = 10 * torch.rand(100, 4, generator=Seeds(1).torch("seen"))
    _, entropy = actor.judge(actor.features(seen), torch.zeros(100, dtype=torch.long))
    assert float(entropy.detach().min()) > 0.999 * torch.tensor(21.0).log().item()


def test_weights_come_from_the_generator_alone() -> None:
    arena = Arena("restock/LostSales-v0")
    torch.manual_seed(1)
    first = actor_for(arena, "PPO", (8,), Seeds(1).torch("a")).state_dict()
    torch.manual_seed(2)
    again = actor_for(arena, "PPO", (8,), Seeds(1).torch("a")).state_dict()
    other = actor_for(arena, "PPO", (8,), Seeds(2).torch("a")).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["net.0.weight"], other["net.0.weight"])


def test_moments_of_many_batches_are_those_of_all_rows() -> None:
    rows = 5 + 3 * torch.randn(100, 3, generator=Seeds(1).torch("rows"), dtype=torch.float64)
    none = torch.zeros(3, dtype=torch.float64)
    moments = Moments(torch.zeros((), dtype=torch.float64), none, none)
    for batch in torch.split(rows, [1, 40, 7, 52]):
        moments = merged(moments, batch)
    torch.testing.assert_close(moments.mean, rows.mean(0))
    torch.testing.assert_close(moments.variance, rows.var(0, correction=0))


def test_scaled_observations_have_mean_zero_and_deviation_one() -> None:
    scale = ObservationScale(SPACE)
    torch.testing.assert_close(scale(FEATURES), FEATURES)  # before anything was learned
    shifted = 4 + 2 * FEATURES
    for batch in torch.split(shifted, 10):
        scale.learn(batch)
    scaled = scale(shifted)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(0, correction=0), torch.ones(3))


def test_a_scale_is_saved_with_the_weights() -> None:
    scale, other = ObservationScale(SPACE), ObservationScale(SPACE)
    scale.learn(4 + 2 * FEATURES)
    other.load_state_dict(scale.state_dict())
    torch.testing.assert_close(other(FEATURES), scale(FEATURES))
    assert not other.is_new


def test_counted_states_become_ones_in_their_place() -> None:
    scale = ObservationScale(Discrete(3, start=5))
    assert scale(torch.tensor([5, 7])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert not scale.is_new


def test_rewards_are_divided_by_the_deviation_of_discounted_returns() -> None:
    scale = RewardScale(2, discount=0.5)
    reward = torch.tensor([[1.0, 0.0], [2.0, 4.0], [1.0, 2.0]])
    ended = torch.tensor([[False, False], [False, True], [False, False]])
    # R: 1, 2 + ½, 1 + 1¼ and 0, 4, then anew 2
    returns = torch.tensor([1.0, 2.5, 2.25, 0.0, 4.0, 2.0])
    torch.testing.assert_close(scale.scaled(reward, ended), reward / returns.std(correction=0))
    # the negative control: had the episode not ended, the last would be 4
    wrong = torch.tensor([1.0, 2.5, 2.25, 0.0, 4.0, 4.0])
    assert float((returns.std() - wrong.std()).abs()) > 0.05


def test_an_observation_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"must be a Box or Discrete; got MultiBinary.* W"):
        ObservationScale(MultiBinary(3))
