"""What comes of pruning, whichever kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass(frozen=True)
class Pruned:
    """A network that something was cut from.

    Attributes:
        network: in evaluation mode, not fine-tuned.
        masks: by the name of a parameter, zeros where its weights were cut and have to stay zero; none where
            whole channels are gone.
    """

    network: nn.Module
    masks: Mapping[str, torch.Tensor] = field(default_factory=dict)
