"""How long hypothesis looks for a counterexample."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

QUICK = settings(max_examples=150, deadline=20_000, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
