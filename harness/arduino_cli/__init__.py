"""arduino-cli 1.2 and later as typed calls: JSON in, frozen structs out, failures with a remedy."""
