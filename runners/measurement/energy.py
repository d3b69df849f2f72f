"""The energy that accelerators and processors use while something runs, from their own counters.

NVIDIA: the total energy counter of each device (NVML, through nvidia-ml-py), in mJ. Processors: the RAPL counters of
the packages, as the Linux kernel shows them below /sys/class/powercap (documented in its
Documentation/power/powercap/powercap.rst), in uJ. Both count everything that runs on the device meanwhile. Where there
is no counter there is no number: nothing is estimated from a power rating.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import torch

_POWERCAP = Path("/sys/class/powercap")
_LOOK_EVERY = 20.0
"""Seconds. A package's counter starts again at 0 after some ten minutes to an hour of load."""


class Missing(Exception):
    """There is no counter; the message says why."""


class Counter(Protocol):
    """Joules since it was made."""

    def joules(self) -> float: ...


class Accelerators:
    """The CUDA devices that this process sees.

    Raises:
        Missing: nvidia-ml-py is not installed, or a device has no counter.
    """

    def __init__(self) -> None:
        if find_spec("pynvml") is None:
            raise Missing("nvidia-ml-py is not installed (the extra `energy`)")
        import pynvml

        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
            uuids = [torch.cuda.get_device_properties(index).uuid for index in range(torch.cuda.device_count())]
            self._devices = [pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}") for uuid in uuids]
            self._begun = self._total()
        except pynvml.NVMLError as problem:
            raise Missing(f"NVML: {problem}") from None

    def _total(self) -> int:
        return sum(int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(device)) for device in self._devices)

    def joules(self) -> float:
        return (self._total() - self._begun) / 1000


class Processors:
    """The processor packages of this machine.

    Raises:
        Missing: the kernel shows no counter, or not to this user.
    """

    def __init__(self, powercap: Path):
        self._packages = [
            zone for zone in sorted(powercap.glob("*-rapl:*")) if _text(zone / "name").startswith("package-")
        ]
        if not self._packages:
            raise Missing(f"the kernel shows no RAPL counter below {powercap}")
        try:
            self._last = [int(_text(zone / "energy_uj")) for zone in self._packages]
            self._ranges = [int(_text(zone / "max_energy_range_uj")) for zone in self._packages]
        except (OSError, ValueError):
            raise Missing(f"{self._packages[0]}/energy_uj cannot be read (it is root's since CVE-2020-8694)") from None
        self._used = 0

    def joules(self) -> float:
        for index, zone in enumerate(self._packages):
            now = int(_text(zone / "energy_uj"))
            change = now - self._last[index]
            self._used += change if change >= 0 else change + self._ranges[index]
            self._last[index] = now
        return self._used / 1e6


def _text(path: Path) -> str:
    return path.read_text().strip()


@dataclass
class EnergyMeter:
    """Counts from entering to leaving; ``facts`` is then what the run record keeps: joules of `accelerators` (where
    there are some) and `processors`, None where ``facts["missing"]`` says why."""

    powercap: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._counters: dict[str, Counter] = {}
        missing: dict[str, str] = {}
        wanted = {"processors": lambda: Processors(self.powercap or _POWERCAP)}
        if torch.cuda.is_available():
            wanted["accelerators"] = Accelerators  # type: ignore[assignment]
        for name, make in wanted.items():
            self.facts[name] = None
            try:
                self._counters[name] = make()
            except Missing as reason:
                missing[name] = str(reason)
        self.facts["missing"] = missing
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._watch = threading.Thread(target=self._look, daemon=True)
        if "processors" in self._counters:
            self._watch.start()
        return self

    def _look(self) -> None:
        """Read often enough that no counter starts again twice in between."""
        while not self._ended.wait(_LOOK_EVERY):
            with self._lock:
                self._counters["processors"].joules()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            for name, counter in self._counters.items():
                self.facts[name] = round(counter.joules(), 3)
