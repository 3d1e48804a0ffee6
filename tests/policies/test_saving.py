"""A trained rule is saved and comes back as it was, or not at all."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from restock.errors import CheckpointError
from restock.policies import (
    Allocated,
    BaseStock,
    CappedBaseStock,
    Ensemble,
    FixedPrice,
    LearnedAllocation,
    NeuralOrderUpTo,
    NeuralOrderUpToConfig,
    Priced,
)
from restock.policies.neural import (
    GraphLevels,
    GraphLevelsConfig,
    HistoryConfig,
    NetworkLevels,
    NeuralConfig,
    NeuralDeparture,
    NeuralDepartureConfig,
    NeuralPricedOrderUpTo,
    NeuralPricedOrderUpToConfig,
    NeuralQuantity,
    PriceHead,
    load_policy,
    save_policy,
)
from restock.problem import Instance, Product
from restock.simulation import Decision, Observation, Policy, World
from restock.simulation.fulfilment import Fulfilment

IDS = ("A", "B", "C")


def network(seed: int, products: int = 3, hidden: tuple[int, ...] = (4,)) -> NeuralOrderUpTo:
    generator = torch.Generator().manual_seed(seed)
    policy = NeuralOrderUpTo(
        NeuralOrderUpToConfig(pipeline_slots=2, signals=("trend",), hidden=hidden),
        1.0 + torch.rand(products, generator=generator),
        2.0 + torch.rand(products, generator=generator),
        generator,
        batch_periods=torch.tensor([0.0, 1.5, 0.5])[:products],
        traits=torch.randn(products, 1, generator=generator),
    )
    with torch.no_grad():
        for weight in policy.parameters():
            weight.normal_(0.0, 0.3, generator=generator)
    return policy


def decide(policy: Policy, order: list[int]) -> Decision:
    stock = torch.tensor([3.0, 0.0, 7.0])[order][None, :, None]
    signals = torch.tensor([[5.0, 0.2], [1.0, -0.1], [9.0, 0.0]])[order][None]
    return policy.decide(
        Observation(
            on_hand=stock,
            on_order=torch.zeros(1, 3, 1),
            pipeline=(torch.ones(1, 3, 1),),
            lead_time=torch.full((1, 3, 1), 3),
            signals=signals,
            signal_names=("scale", "trend"),
        )
    )


def test_a_saved_policy_decides_as_before_to_the_last_bit(tmp_path: Path) -> None:
    members = [network(1), network(2)]
    save_policy(members, IDS, tmp_path / "policy.pt")
    before = decide(Ensemble(members), [0, 1, 2])
    after = decide(load_policy(tmp_path / "policy.pt", IDS), [0, 1, 2])
    assert torch.equal(before.target, after.target)
    assert before.cap is not None
    assert after.cap is not None
    assert torch.equal(before.cap, after.cap)


def test_products_in_another_order_keep_their_own_decisions(tmp_path: Path) -> None:
    members = [network(1)]
    save_policy(members, IDS, tmp_path / "policy.pt")
    before = decide(Ensemble(members), [0, 1, 2]).target
    after = decide(load_policy(tmp_path / "policy.pt", ("C", "A", "B")), [2, 0, 1]).target
    # a product's row in a batch decides the order of a few sums, hence no equality of bits
    torch.testing.assert_close(after, before[:, [2, 0, 1]])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("A", "B", "D"), r"\(new: D\) \(gone: C\)"),
        (("A", "B"), r"for 3 products, and 2 are planned now \(gone: C\)"),
        (("A", "B", "C", "C"), "for 3 products, and 4"),
    ],
)
def test_other_products_are_refused(tmp_path: Path, ids: tuple[str, ...], message: str) -> None:
    save_policy([network(1)], IDS, tmp_path / "policy.pt")
    with pytest.raises(CheckpointError, match=message):
        load_policy(tmp_path / "policy.pt", ids)


def test_a_changed_fact_is_refused_with_both_values(tmp_path: Path) -> None:
    path = save_policy([network(1)], IDS, tmp_path / "policy.pt", {"lead times": "7"})
    load_policy(path, IDS, {"lead times": "7"})
    with pytest.raises(CheckpointError, match="other lead times: 7, now 9"):
        load_policy(path, IDS, {"lead times": "9"})


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    path = save_policy([network(1)], IDS, tmp_path / "policy.pt")
    tree = torch.load(path, weights_only=True)
    tree["members"][0]["config"]["hidden"] = (8,)
    torch.save(tree, path)
    with pytest.raises(CheckpointError, match=r"size mismatch.*restock train"):
        load_policy(path, IDS)


def test_anchors_of_other_products_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"shape \(1, 2, 1\); 3 products need \(1, 3, …\)"):
        save_policy([network(1, products=2)], IDS, tmp_path / "policy.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no policy at all", b"PK\x03\x04half"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"policy\.pt cannot be read"):
        load_policy(path, IDS)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("open('sprung', 'w')",)

    path = tmp_path / "policy.pt"
    torch.save({"product_ids": Trap()}, path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_policy(path, IDS)


def test_another_file_of_torch_is_no_policy(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, tmp_path / "policy.pt")
    with pytest.raises(CheckpointError, match="product_ids"):
        load_policy(tmp_path / "policy.pt", IDS)


def test_a_missing_policy_says_to_train(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="restock train"):
        load_policy(tmp_path / "policy.pt", IDS)


def test_a_failed_save_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_policy([network(1)], IDS, tmp_path / "policy.pt")
    old = path.read_bytes()

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_policy([network(2)], IDS, path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def awake(module: nn.Module) -> Policy:
    """Return a network with weights that all matter."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for values in module.parameters():
            values.add_(0.2 * torch.randn(values.shape, generator=generator))
    assert isinstance(module, Policy)
    return module


def luck() -> torch.Generator:
    return torch.Generator().manual_seed(0)


LEVELS = torch.tensor([[[4.0], [9.0], [6.0]]])
MONEY = torch.tensor([[4.0], [8.0], [6.0]])
HISTORY = HistoryConfig(kind="lstm", periods=2, widths=(3,))


def priced() -> NeuralPricedOrderUpTo:
    config = NeuralPricedOrderUpToConfig(pipeline_slots=2, hidden=(4,), limit=1.5)
    head = PriceHead(MONEY / 2, 2 * MONEY, MONEY, limit=0.4)
    return NeuralPricedOrderUpTo(config, MONEY[:, 0], MONEY[:, 0], luck(), pricing=head)


def quantity() -> NeuralQuantity:
    config = NeuralConfig(pipeline_slots=2, history=HISTORY, hidden=(4,), normalises=True)
    return NeuralQuantity(config, MONEY[:, 0] / 5, luck())


def departure() -> NeuralDeparture:
    config = NeuralDepartureConfig(scale=5.0, pipeline_slots=1, hidden=(4,))
    return NeuralDeparture(CappedBaseStock(LEVELS, LEVELS / 2), config, luck())


KINDS: dict[str, Callable[[], nn.Module]] = {
    "NeuralPricedOrderUpTo": priced,
    "NeuralQuantity": quantity,
    "NeuralDeparture": departure,
    "Priced": lambda: Priced(network(1), FixedPrice(MONEY.unsqueeze(0))),
    "NetworkLevels": lambda: NetworkLevels(LEVELS[0], "local", LEVELS[0] / 3),
}


def look(order: list[int]) -> Observation:
    signals = torch.tensor([[5.0, 0.2, 1.0, 3.0], [1.0, -0.1, 0.0, 2.0], [9.0, 0.0, 7.0, 1.0]])
    return Observation(
        on_hand=torch.tensor([3.0, 0.0, 7.0])[order][None, :, None],
        on_order=torch.zeros(1, 3, 1),
        pipeline=(torch.ones(1, 3, 1),),
        lead_time=torch.full((1, 3, 1), 3),
        signals=signals[order][None],
        signal_names=("scale", "trend", "demand-2", "demand-1"),
    )


def same(one: Decision, other: Decision) -> bool:
    for name in ("target", "cap", "price", "region_share", "lane_weight"):
        a, b = getattr(one, name), getattr(other, name)
        if (a is None) != (b is None) or (a is not None and not torch.equal(a, b)):
            return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_comes_back_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    policy = awake(KINDS[kind]())
    path = save_policy([policy], IDS, tmp_path / "policy.pt")
    loaded = load_policy(path, IDS)
    assert type(loaded.members[0]) is type(policy)
    seen = look([0, 1, 2])
    assert same(loaded.decide(seen), policy.decide(seen))
    fresh = KINDS[kind]()
    assert isinstance(fresh, Policy)
    assert not same(loaded.decide(seen), fresh.decide(seen))


@pytest.mark.parametrize("kind", ["NeuralPricedOrderUpTo", "NeuralQuantity"])
def test_prices_and_anchors_follow_their_products(kind: str, tmp_path: Path) -> None:
    policy = awake(KINDS[kind]())
    path = save_policy([policy], IDS, tmp_path / "policy.pt")
    before = policy.decide(look([0, 1, 2]))
    after = load_policy(path, ("C", "A", "B")).decide(look([2, 0, 1]))
    torch.testing.assert_close(after.target, before.target[:, [2, 0, 1]])
    if before.price is not None:
        torch.testing.assert_close(after.price, before.price[:, [2, 0, 1]])


@pytest.mark.parametrize("kind", ["NeuralDeparture", "Priced", "NetworkLevels"])
def test_what_cannot_follow_its_products_is_refused(kind: str, tmp_path: Path) -> None:
    path = save_policy([awake(KINDS[kind]())], IDS, tmp_path / "policy.pt")
    with pytest.raises(CheckpointError, match="another order than when the policy was saved"):
        load_policy(path, ("C", "A", "B"))


def test_a_file_of_the_first_format_is_read(tmp_path: Path) -> None:
    policy, path = network(1), tmp_path / "policy.pt"
    old = {
        "pipeline_slots": 2,
        "signals": ("trend",),
        "relative_signals": (),
        "anchor_signals": ("scale",),
        "hidden": (4,),
    }
    tree = {
        "format": "restock policy 1",
        "product_ids": list(IDS),
        "made_for": {},
        "members": [{"config": old, "weights": policy.state_dict()}],
    }
    torch.save(tree, path)
    assert same(load_policy(path, IDS).decide(look([0, 1, 2])), policy.decide(look([0, 1, 2])))
    torch.save({**tree, "format": "restock policy 0"}, path)
    with pytest.raises(CheckpointError, match="has format 'restock policy 0'"):
        load_policy(path, IDS)


def test_a_learned_allocation_is_saved_with_the_policy_that_it_joins(tmp_path: Path) -> None:
    terms = Fulfilment(
        cost_per_unit=torch.tensor([[1.0, 3.0], [2.0, 1.0]]),
        cost_per_shipment=torch.full((2, 2), 0.5),
        transit_periods=torch.tensor([[1.0, 2.0], [0.0, 1.0]]),
        promise_periods=torch.ones(2),
        reach=torch.tensor([[[True, True], [True, False]]]),
    )
    allocation = LearnedAllocation(terms, torch.full((1, 3, 2), 2.0), luck())
    orders = BaseStock(torch.ones(1, 3, 2))
    fresh = Allocated(orders, LearnedAllocation(terms, torch.full((1, 3, 2), 2.0), luck()))
    policy = awake(Allocated(orders, allocation))
    path = save_policy([policy], IDS, tmp_path / "policy.pt")
    stock = torch.tensor([[[3.0, 1.0], [0.0, 2.0], [7.0, 9.0]]])
    seen = Observation(stock, 0 * stock, (), torch.ones(1, 3, 2, dtype=torch.long))
    wish = load_policy(path, IDS).decide(seen)
    assert wish.region_share is not None
    assert same(wish, policy.decide(seen))
    assert not same(wish, fresh.decide(seen))


def test_a_graph_of_locations_needs_the_world_that_it_was_trained_in(tmp_path: Path) -> None:
    product = Product(id="A", holding_cost=1.0, shortage_cost=5.0)
    chain = World.from_instance(Instance.serial(product, (1, 1), (1, 2)))
    levels = NetworkLevels(torch.tensor([[9.0, 4.0]]))
    policy = awake(GraphLevels(GraphLevelsConfig(pipeline_slots=1), levels, chain, luck()))
    path = save_policy([policy], ("A",), tmp_path / "policy.pt")
    with pytest.raises(CheckpointError, match="Give the `world` that it decides in"):
        load_policy(path, ("A",))
    seen = Observation(
        on_hand=torch.tensor([[[3.0, 1.0]]]),
        on_order=torch.zeros(1, 1, 2),
        pipeline=(),
        lead_time=chain.arrivals.lead_time,
        backlog=torch.zeros(1, 1, 2),
        signals=torch.full((1, 1, 1), 5.0),
        signal_names=("scale",),
        network=chain.network,
    )
    assert same(load_policy(path, ("A",), world=chain).decide(seen), policy.decide(seen))
    three = World.from_instance(Instance.serial(product, (1, 1, 1), (1, 2, 3)))
    with pytest.raises(CheckpointError):
        load_policy(path, ("A",), world=three)


def test_what_is_no_known_kind_is_neither_saved_nor_read(tmp_path: Path) -> None:
    class Improvised:
        def decide(self, observation: Observation) -> Decision:
            return Decision(observation.on_hand)

    with pytest.raises(CheckpointError, match="a Improvised cannot be saved"):
        save_policy([Improvised()], IDS, tmp_path / "policy.pt")
    path = save_policy([network(1)], IDS, tmp_path / "policy.pt")
    tree = torch.load(path, weights_only=True)
    tree["members"][0]["kind"] = "NeuralOrderUpto"
    torch.save(tree, path)
    with pytest.raises(CheckpointError, match="Did you mean 'NeuralOrderUpTo'"):
        load_policy(path, IDS)
