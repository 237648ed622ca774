"""The version of the installed distribution, recorded in every data set."""

from importlib.metadata import version

__version__ = version("dppp-fastreid")
