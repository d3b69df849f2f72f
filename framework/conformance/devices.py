"""Whether a stated accelerator is the one that the driver names, and a stated memory its own.

What drivers say (`torch.cuda.get_device_properties(0).name`): `Tesla V100-SXM2-16GB`, `Tesla T4`,
`NVIDIA A100-SXM4-80GB`,
`NVIDIA A100 80GB PCIe`, `NVIDIA H100 80GB HBM3` (the SXM5 one), `NVIDIA H100 PCIe`, `NVIDIA H100 NVL`, `NVIDIA H200`,
`NVIDIA GeForce RTX 3090`. A paper writes fewer words, or others for the same.
"""

from __future__ import annotations

import re

_IDLE = frozenset(["nvidia", "tesla", "amd", "gpu", "gpus", "graphics", "card", "accelerator", "tensor", "core"])
"""Words of a vendor or a brand that the same chip is sold with and without."""
_DISTINCT = frozenset(["ti", "super", "laptop", "mobile", "mig"])
"""What makes another device of a name that is otherwise the same."""
_FORMS = re.compile(r"(sxm|pcie|nvl|oam)(\d*)")
_MEMORY = re.compile(r"(\d+)gb")
_STACKED = re.compile(r"hbm\d?e?")
_JOINED = ((r"\b(rtx|gtx)(a?\d)", r"\1 \2"), (r"\b(\d{4})(ti|super)\b", r"\1 \2"), (r"\b(\d+)\s*gi?b?\b", r"\1gb"))
_LEAST, _MOST = 0.9, 1.1
"""Of a stated figure: a driver reports less than 16 GB of a T4 (15.6), and of an A100 its 80 GiB (85.0)."""


def same_device(stated: str, found: str) -> bool:
    """Whether the found device is one that the statement means: every word of it that tells devices apart is there."""
    wanted, there = _words(stated), _words(found)
    return (
        bool(wanted)
        and _plain(wanted) <= _plain(there)
        and wanted & _DISTINCT == there & _DISTINCT
        and _form_fits(wanted, there)
        and (not _sizes(there) or set(_sizes(wanted)) <= set(_sizes(there)))
    )


def memory_stated(device: str) -> float | None:
    """The gigabytes that a device's name says (`A100-80GB`)."""
    sizes = _sizes(_words(device))
    return sizes[0] if len(sizes) == 1 else None


def same_memory(stated: float, found: float) -> bool:
    """Whether a device of ``found`` GB (of 10^9 bytes) is what is sold as ``stated`` GB."""
    return _LEAST * stated <= found <= _MOST * stated


def _words(name: str) -> frozenset[str]:
    text = name.casefold()
    for pattern, apart in _JOINED:
        text = re.sub(pattern, apart, text)
    return frozenset(re.findall(r"[a-z0-9]+", text)) - _IDLE


def _plain(words: frozenset[str]) -> frozenset[str]:
    """The words that are neither form factor nor memory."""
    kinds = (_FORMS, _MEMORY, _STACKED)
    return frozenset(word for word in words if not any(kind.fullmatch(word) for kind in kinds))


def _form_fits(wanted: frozenset[str], there: frozenset[str]) -> bool:
    """A stated form factor is the one named; a name without one is that of the board's own socket (SXM, OAM), since
    cards are named so (`NVIDIA H100 PCIe`, `NVIDIA H200 NVL`)."""
    stated, named = ([match for word in words if (match := _FORMS.fullmatch(word))] for words in (wanted, there))
    for form in stated:
        if not named:
            if form[1] in ("pcie", "nvl"):
                return False
        elif not any(form[1] == other[1] and (not form[2] or form[2] == other[2]) for other in named):
            return False
    return True


def _sizes(words: frozenset[str]) -> list[float]:
    return [float(match[1]) for word in sorted(words) if (match := _MEMORY.fullmatch(word))]
