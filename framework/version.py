"""Which version of this package is installed."""

from __future__ import annotations


def installed_version() -> str | None:
    """The version of the installed distribution, or None where it only lies in a folder."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("experiment-framework")
    except PackageNotFoundError:
        return None
