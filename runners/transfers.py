"""Tensors on their way to a device, without the host waiting for what the device still computes."""

from __future__ import annotations

import torch
from torch import Tensor


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device.

    A copy to a CUDA device goes through pinned memory: of a pageable tensor torch waits until the whole stream is done
    (`aten/src/ATen/native/cuda/Copy.cu` of torch 2.13: `memcpy_and_sync` where the copy is not `non_blocking`).
    """
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
