"""The command line of stage 1: what each command takes."""
