"""What can be cut from a trained network: single weights, or whole channels."""

from models.pruning.pruned import Pruned
from models.pruning.pruning import prune

__all__ = ["Pruned", "prune"]
