"""Networks that compute with few bits: read off calibration clips, or learned with."""

from models.compress.quantization.learning import for_fine_tuning
from models.compress.quantization.quantization import float_network, quantize
from models.compress.quantization.ranges import LearnedRanges, learned_ranges

__all__ = ["LearnedRanges", "float_network", "for_fine_tuning", "learned_ranges", "quantize"]
