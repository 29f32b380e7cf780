"""What was measured: the night record and its statistics. Pure: data in, frozen dataclasses out."""
