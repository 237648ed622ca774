#!/usr/bin/env python
"""Write the features of images into one file: the command ``dppp-extract``, from a checkout."""

from dppp_commands.extract import entry

if __name__ == "__main__":
    entry()
