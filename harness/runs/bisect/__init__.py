"""What is decided by people: a night accepted, two nights compared, and the commit between them found.

accepting    a night made the measure of later ones; baseline_text shows what was accepted
comparing    two nights of a modeled board, every figure exactly; wording tells it
bisection    the first commit that changed a figure, by `git bisect run`
step         what is asked of each commit; reading has its answer
one_block    what a commit's own code measures then
repository   a copy of the history to work in
"""
