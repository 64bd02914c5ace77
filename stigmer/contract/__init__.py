"""What the descriptors say: kinds, methods, and the one translation between YAML values and messages.

Knows nothing of stores, transports, files or commands.
"""

from stigmer.contract.codec import Binding, Codec, Digests
from stigmer.contract.kinds import Contract, Kind, Kinds, Method, default_contract
from stigmer.contract.references import ResolvedReference

__all__ = [
    "Binding",
    "Codec",
    "Contract",
    "Digests",
    "Kind",
    "Kinds",
    "Method",
    "ResolvedReference",
    "default_contract",
]
