"""Completion on the command line: what may stand where the cursor is, and the scripts that ask for it.

Never starts a daemon, never says what is wrong, and knows nothing of what commands do: it reads their parameters.
"""
