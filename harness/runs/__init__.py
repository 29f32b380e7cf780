"""One run: what was asked for, what is measured of it, and the record in the making."""
