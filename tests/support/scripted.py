"""A small study whose phase a script of its own trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.planning.build import Plan
from framework.planning.commands.command import Command
from framework.planning.steps import Step
from tests.support.manifests import STATED
from tests.support.study import Study
from tests.support.texts import replaced

MANIFEST = replaced(
    STATED,
    ("{count: 2}", "{accelerator: cpu, count: 2}"),
    ("phases:\n", "  pairs: {hub: example/pairs, labels: 2, train_examples: 640}\nphases:\n"),
    (
        "variants:\n",
        """\
  tune:
    objective: classification
    tasks: {pairs: {epochs: 2, learning_rate: 1e-4}}
    optimizer: {learning_rate: 5e-5}
    batch_size: 32
variants:
""",
    ),
    ("seeds:", "  tuned: {from: full, steps: [tune]}\nseeds:"),
)
HF = "    command: [python, train.py, --output_dir, '{output}']\n    flags: hf-training-arguments\n"
ON_FLAGS = HF.replace(
    "flags: hf-training-arguments", "flags: {dialect: hf-training-arguments, keys: {block_size: sequence_length}}"
)


class ScriptedStudy(Study):
    """The study's folder, with a runner for the phase `train`."""

    def __init__(self, root: Path, runner: str = ON_FLAGS, *changes: tuple[str, str], name: str = "train"):
        super().__init__(root, MANIFEST, *changes)
        self.manifest.write_text(f"{self.manifest.read_text()}runners:\n  {name}:\n{runner}")
        if not (root / "train.py").exists():
            (root / "train.py").write_text("print('trains')\n")

    def plan(self, *variants: str, **selection: Any) -> Plan:
        return super().plan(*(variants or ("full",)), **selection)

    def step(self, variant: str = "full", name: str = "train") -> Step:
        return next(step for step in self.plan(variant).steps if step.name == name and variant in step.variants)

    def command(self, variant: str = "full", name: str = "train") -> Command:
        command = self.step(variant, name).command
        assert command is not None
        return command

    def data(self, file: str, variant: str = "full") -> dict[str, Any]:
        return dict(self.command(variant).configs[file])


def flag(argv: tuple[str, ...], name: str) -> str:
    """The argument after a flag."""
    assert argv.count(name) == 1, f"{name} stands {argv.count(name)} times in {argv}"
    return argv[argv.index(name) + 1]
