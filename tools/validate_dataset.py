#!/usr/bin/env python
"""Check a data set in Market-1501's layout: the command ``dppp-validate``, from a checkout."""

from dppp_commands.validate import entry

if __name__ == "__main__":
    entry()
