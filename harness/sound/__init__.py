"""Recordings and what is played to a board's microphone."""
