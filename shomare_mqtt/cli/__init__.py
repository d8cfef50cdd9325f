"""The command line (contract, section Command line). `run` alone stays free of typer and rich: it is the daemon."""
