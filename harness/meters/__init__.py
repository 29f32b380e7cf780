"""Power meters, one module for each kind, and the traces that they record."""
