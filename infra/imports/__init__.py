"""Importing files of statements: through the ordinary write path, every one accounted for.

`source` opens a file, `records` finds the statements in it, `acceptor` has them recorded and finds
which ones are refused, `lanes` does so in parallel, `checkpoint` and `report` keep what is known so
far, `importer` runs it all; `exporter` is the way back. The command line is `infra.cli.import_`.
"""
