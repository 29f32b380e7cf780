"""Field run: a plan played to a board segment by segment, with its record and page."""
