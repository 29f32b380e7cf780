"""The norms that criteria are made of."""

from __future__ import annotations

import torch

ORDERS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}
"""Of the p-norm, by the criterion's name."""


def filter_norms(weights: torch.Tensor, order: float) -> torch.Tensor:
    """The power mean of the absolute weights of each filter: its p-norm, made independent of its size.

    L1 is the mean, L2 the root of the mean square, L-infinity the largest. A mean rather than a sum, so that
    filters of 80 weights and of 4,000 can be compared.

    Args:
        weights: (filters, ...): one filter makes one output channel.
        order: 1 or more, or infinity.

    Returns:
        (filters,), 0 or more.
    """
    size = weights[0].numel()
    norms = torch.linalg.vector_norm(weights.detach().flatten(1), ord=order, dim=1)
    return norms if order == float("inf") else norms / size ** (1 / order)
