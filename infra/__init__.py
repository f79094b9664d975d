"""The composition root: command line, processes, local launchers, deployment."""
