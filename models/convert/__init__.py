"""From a torch network to a .tflite that a board can run, each step compared with the one before it."""

from models.convert.chain import Conversion, convert

__all__ = ["Conversion", "convert"]
