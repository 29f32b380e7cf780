"""Night after night: every variant measured in blocks between two canaries, judged, and what changed said.

    plan           what a night was asked for, kept in its record for whoever takes it up
    nightly        a night: prepare and check as `earshot run` does, then what follows
    rounds         canary, rounds, canary; then the verdict, and its confirmation
    schedule       in which order
    blocks         each block measured, and on the disk before the next begins (block_file)
    subjects       which images are measured, and on what
    kept_image     an image that is never built again: the canary, and those of A/A nights (same_images)
    a_a            the same images again: what the bench makes of no change
    judging        a record against history and baseline
    chat, junit    the verdict for people and for a CI (verdict_files)

Nothing here decides anything about a figure: that is `harness.regression`.
"""
