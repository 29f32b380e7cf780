"""Record types with reading, writing and verdicts."""
