#!/usr/bin/env python
"""Reproduce a table of the paper, or Fig. 6, and print it next to the paper's numbers."""

from dppp_commands.reproduce import entry

if __name__ == "__main__":
    entry()
