"""Networks of the variants, and the cost of one inference."""

from models.networks.costs import LayerCost, example_input, layer_costs, shape_of
from models.networks.deployed import Deployed, folded
from models.networks.dropout import ByteDropout
from models.networks.ds_cnn import DsCnn
from models.networks.mobilenet import MobileNet
from models.networks.tinyconv import TinyConv

__all__ = [
    "ByteDropout",
    "Deployed",
    "DsCnn",
    "LayerCost",
    "MobileNet",
    "TinyConv",
    "example_input",
    "folded",
    "layer_costs",
    "shape_of",
]
