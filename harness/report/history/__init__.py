"""The history of boards as a static site: verdicts, sparklines of all series, a page for each of them.

`site.render_history` writes it from nights and baselines, whatever they were read from: an index with what
the last nights came to, and for each board a folder with a page for every series and lists of its nights by
year. `boards` makes one table of numbers for each board; `plots` and `sparklines` draw it, as SVG paths of
their own, because sixty figures of matplotlib take longer than everything else.
"""
