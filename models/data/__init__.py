"""Datasets, recordings and audio front ends."""
