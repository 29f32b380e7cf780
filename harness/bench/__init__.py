"""What stands on the bench: boards, speaker, recordings and thresholds, from a file."""
