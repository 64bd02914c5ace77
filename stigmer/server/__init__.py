"""The server: one program that answers the contract over gRPC, on any store.

Knows nothing of YAML, files to apply or commands, and never imports a client.
"""
