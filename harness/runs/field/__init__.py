"""A field run: a plan played to a board segment by segment, and what came of it as a record and a page.

What is played is harness.audio's, what a log says harness.measure's, what follows from it harness.results'.
This room brings them together, keeps what was measured, and goes on after a kill.
"""
