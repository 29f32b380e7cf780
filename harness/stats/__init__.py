"""Statistics of measurements: pure functions without I/O."""
