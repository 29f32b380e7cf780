"""Networks that compute with few bits: read off calibration clips, or learned with."""

from models.quantization.quantization import float_network, quantize
from models.quantization.ranges import LearnedRanges, learned_ranges

__all__ = ["LearnedRanges", "float_network", "learned_ranges", "quantize"]
