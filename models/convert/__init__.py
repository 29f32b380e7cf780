"""Conversion of a torch network to a .tflite that a board can run; each step is compared with torch."""

from models.convert.chain import Conversion, convert, export_alone

__all__ = ["Conversion", "convert", "export_alone"]
