"""The store: resource-shaped, batch-first storage engines behind one seam, `base.Store`.

It never knows protobuf, kinds, pipelines, claims, gRPC, or who is asking; and this file imports no engine.
"""
