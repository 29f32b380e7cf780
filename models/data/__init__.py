"""Datasets, recordings and the audio front end."""
