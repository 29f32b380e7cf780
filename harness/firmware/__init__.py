"""Firmware: engines, staged sketches and their compilation."""
