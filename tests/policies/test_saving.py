"""A trained rule is saved and comes back as it was, or not at all."""

from pathlib import Path

import pytest
import torch

from restock.errors import CheckpointError
from restock.policies import Ensemble, NeuralOrderUpTo, NeuralOrderUpToConfig
from restock.policies.neural import load_policy, save_policy
from restock.simulation import Decision, Observation

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


def decide(policy: Ensemble, order: list[int]) -> Decision:
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
