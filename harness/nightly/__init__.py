"""Night after night: every variant measured in blocks between two canaries, judged, and what changed said.

schedule      in which order: canary, rotated rounds, canary
blocks        each block measured and appended to a file at once, so that a kill loses at most one
kept_image    an image that is kept and never rebuilt: the canary, and those of A/A
nightly       the night: prepare and check as `earshot run` does, measure, judge, confirm, write
a_a           the same images again, which shows what the bench makes of no change
plan          what a night was asked for, kept in its record for whoever takes it up
judging       the record against history and baseline
verdict_files verdict.json, junit.xml and summary.md
"""
