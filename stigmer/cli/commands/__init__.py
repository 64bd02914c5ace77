"""One module per command, loaded when the command is called.

They never know how a result is drawn: a view does that.
"""
