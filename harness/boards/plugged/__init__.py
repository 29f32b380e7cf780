"""A plugged-in emulated board: a process with a machine, a port that comes and goes, and a socket."""
