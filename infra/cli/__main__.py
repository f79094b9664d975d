"""`python -m infra.cli`: the same as `lrs`, for child processes that must use this interpreter."""

from infra.cli import main

main(prog_name="lrs")
