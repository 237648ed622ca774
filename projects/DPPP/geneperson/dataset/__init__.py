"""The folder contract: names and tables, verifying, statistics, the data card and pictures."""
