"""Inside Cerebras' Model Zoo: what its trainer runs of ours. Importing this makes the callbacks known to it by name."""

from runners.cerebras.reapply import ReapplyMasks

__all__ = ["ReapplyMasks"]
