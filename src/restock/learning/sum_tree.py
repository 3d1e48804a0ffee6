"""A sum tree: drawing in proportion to weights that keep changing.

Leaves hold weights; each node above holds the sum of its children, 64 of them, so that a million
weights are four levels deep. Changing K weights recomputes K nodes a level, and finding K leaves
reads K × 64 numbers a level, whatever the number of leaves (T. Schaul, J. Quan, I. Antonoglou and
D. Silver, Prioritized experience replay, ICLR 2016, appendix B.2.1, there with two children).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["SumTree"]

CHILDREN = 64


class SumTree:
    """Weights of ``size`` leaves, all 0 at first, and their sums.

    >>> tree = SumTree(4)
    >>> tree.set(torch.arange(4), torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.float64))
    >>> tree.find(torch.tensor([0.0, 0.24, 0.26, 0.74, 0.76], dtype=torch.float64)).tolist()
    [0, 0, 2, 2, 3]
    >>> tree.share(torch.tensor([2])).tolist()
    [0.5]
    """

    def __init__(self, size: int) -> None:
        widths = [max(size, 1)]
        while widths[-1] > 1 or len(widths) == 1:
            widths.append(-(-widths[-1] // CHILDREN))
        # each level padded to whole families; the last is the root alone
        padded = [above * CHILDREN for above in widths[1:]] + [1]
        self.levels = [torch.zeros(width, dtype=torch.float64) for width in padded]

    @property
    def leaves(self) -> Float[Tensor, " N"]:
        """The weights, and some zeros behind them."""
        return self.levels[0]

    def set(self, index: Int[Tensor, " K"], weight: Float[Tensor, " K"] | float) -> None:
        """Give leaves their weights, ≥ 0; of a leaf that is named twice one of the two counts."""
        self.levels[0][index] = weight
        for below, above in zip(self.levels, self.levels[1:], strict=False):
            index = index // CHILDREN
            above[index] = below.view(-1, CHILDREN)[index].sum(-1)

    def find(self, share: Float[Tensor, " K"]) -> Int[Tensor, " K"]:
        """Return the leaf at which the running sum of weights passes ``share`` of it, in [0, 1)."""
        rest = share.unsqueeze(-1) * self.levels[-1]
        index = torch.zeros(len(share), dtype=torch.int64)
        for level in reversed(self.levels[:-1]):
            family = level.view(-1, CHILDREN)[index]
            sums = family.cumsum(-1)
            # rounding may leave a rest above the sum: then the last child that weighs anything
            last = (sums < sums[:, -1:]).sum(-1, keepdim=True)
            child = torch.minimum((sums <= rest).sum(-1, keepdim=True), last)
            rest = (rest - (sums - family).gather(-1, child)).clamp(min=0)
            index = index * CHILDREN + child.squeeze(-1)
        return index

    def share(self, index: Int[Tensor, " K"]) -> Float[Tensor, " K"]:
        """Return the probabilities with which leaves are found."""
        return self.levels[0][index] / self.levels[-1]
