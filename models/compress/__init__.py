"""Pruning and quantization of trained networks."""
