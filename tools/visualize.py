#!/usr/bin/env python
"""Draw the rankings of a test set: the command ``dppp-visualize``, from a checkout."""

from dppp_commands.visualize import entry

if __name__ == "__main__":
    entry()
