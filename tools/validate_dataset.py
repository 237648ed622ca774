#!/usr/bin/env python
"""Check a folder in Market-1501's or ClonedPerson's layout: ``dppp-validate``, from a checkout."""

from dppp_commands.validate import entry

if __name__ == "__main__":
    entry()
