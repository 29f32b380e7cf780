"""The commands of `earshot`, one module each: SUMMARY, add_options(parser), run(arguments) -> exit code."""
