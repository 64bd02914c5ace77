"""The command line: options in, one library call, a view and an exit code out.

It never knows how anything is stored, compared or sent: that is the business of the layers below it.
"""
