"""Nights: every variant measured in blocks between two canaries and judged against baseline and history.

    nightly    one night from its request to its result, also of the same images again (A/A)
    session    canary, rounds, canary; then the verdict and its confirmation
    blocks     order of the blocks, and the measurement of each, kept in a file
    images     images to measure, and those that are never rebuilt
    summary    verdict for people, junit for a CI

The rules of the verdict are in `harness.regression`.
"""
