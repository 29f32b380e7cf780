"""Nights of many folders as one history, through an index that is made of the records and can be made again.

    history = read_nights([Path("reports/nights"), Path("/mnt/other-bench")], say=print)
    history.nights                          # every night once, in order of time
    history.records[history.nights[-1].id]  # its file, kind and verdict
    history.refused, history.conflicts      # what was left out, each with a sentence

Records are merged by copying their folders. The records are the truth: whatever is wrong with the index, it
is thrown away and made from them again.
"""
