"""The named steps of the pipelines, by what they are about.

They know nothing of transports: a step gets a batch or a unit, and marks the changes that fail.
"""
