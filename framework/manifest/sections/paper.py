"""What is stated, and on what hardware: the sections `paper` and `hardware`."""

from framework.manifest.sections.base import Count, Positive, Section


class Paper(Section):
    """The publication whose experiment this is."""

    title: str
    """Its title."""
    authors: list[str] = []
    """Its authors, in order."""
    url: str | None = None
    """Where it can be read."""
    sources: dict[str, str] = {}
    """For a clause, or all clauses below a path: where the paper states it, such as `section 4.1, table 2`."""
    why: dict[str, str] = {}
    """For a clause, or all clauses below a path: why it is as it is, in a sentence that the documents tell."""

    def source_of(self, clause: str) -> str:
        """Where the paper states a clause, by the nearest path of ``sources``; empty where it is not said."""
        return _nearest(self.sources, clause)

    def why_of(self, clause: str) -> str:
        """Why a clause is as it is, by the nearest path of ``why``; empty where it is not said."""
        return _nearest(self.why, clause)


def _nearest(texts: dict[str, str], clause: str) -> str:
    above = [path for path in texts if clause == path or clause.startswith((f"{path}.", f"{path}["))]
    return texts[max(above, key=len)] if above else ""


class Hardware(Section):
    """The machine and the software that the paper's runs used."""

    accelerator: str | None = None
    """The accelerator's name, such as `NVIDIA A100`; `cpu` for none."""
    memory_gb: Positive | None = None
    """Memory of one accelerator, in GB."""
    count: Count = 1
    """How many accelerators one run uses: one process each."""
    cuda: str | None = None
    """The CUDA version, as far as the paper states it (`12.1` also admits 12.1.x)."""
    torch: str | None = None
    """The PyTorch version, as far as the paper states it."""
    packages: dict[str, str] = {}
    """Versions of further packages, by the name on the package index."""
