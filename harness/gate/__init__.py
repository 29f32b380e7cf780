"""The exact gate: what the code between two nights of a modelled board changes, and which commit did it."""
