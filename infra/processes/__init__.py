"""What each process is made of: each module has `run(settings) -> None`, blocking until SIGTERM.

Logging is set up before `run` is called (`infra.logging`).
"""
