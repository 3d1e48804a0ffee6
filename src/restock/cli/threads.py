"""How many threads torch may use."""

__all__ = ["use_one_torch_thread"]


def use_one_torch_thread() -> None:
    """Let torch compute on one thread.

    The networks are small: a second thread waits for the first more than it helps, and on a busy
    machine it waits very long. One thread also makes sums come out the same on every machine.
    """
    import torch

    torch.set_num_threads(1)
