"""Search of a recognizer's parameters in the logged scores of a variant.

Read `log`, the scores and the words of field runs; `judging`, the counts of one recognizer; `search`, all
candidates of the `grid` and the best one within `limits`; and `choice`, what that choice brings.
"""
