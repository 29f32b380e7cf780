"""arduino-cli as typed calls: JSON in, frozen dataclasses out, failures that explain themselves."""
