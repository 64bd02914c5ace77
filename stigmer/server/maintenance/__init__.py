"""Maintenance: one process that backs up, restores, converts or examines a data directory; it speaks JSON.

It never serves requests, and never imports gRPC or protobuf: it must work where a server would not start.
"""
