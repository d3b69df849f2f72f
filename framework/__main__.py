"""The command line: `framework`, and `python -m framework`."""

from __future__ import annotations

from framework.isolation import isolate


def main(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    isolate()
    from framework.cli.main import run

    return run(argv)


if __name__ == "__main__":
    raise SystemExit(main())
