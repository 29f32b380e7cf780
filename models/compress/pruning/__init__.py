"""What can be cut from a trained network: single weights, or whole channels."""

from models.compress.pruning.pruned import Pruned
from models.compress.pruning.pruning import prune

__all__ = ["Pruned", "prune"]
