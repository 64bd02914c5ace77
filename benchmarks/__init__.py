"""Benchmarks: our operations and those of the tools that people know, measured in turn within one run.

Knows every layer of the project; no layer knows it.
"""
