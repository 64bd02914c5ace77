"""What the user sees: the same results for people and for programs.

They never know where a result came from: they are given plain values.
"""
