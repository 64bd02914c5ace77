"""The other side of each comparison, written or called as its own users would.

Knows nothing of how ours does the same.
"""
