"""OpenRLHF's programs, however they are started."""

from __future__ import annotations

import pytest

from framework.dialects.flags import recognised, said
from framework.dialects.registry import dialect
from framework.reading.shell.reader import parse_shell

PPO = """\
openrlhf.cli.train_ppo_ray --pretrain example/base --reward_pretrain example/reward --train_batch_size 128 \\
  --micro_train_batch_size 2 --max_epochs 1 --num_episodes 3 --zero_stage 3 --actor_learning_rate 5e-7 \\
  --critic_learning_rate 9e-6 --n_samples_per_prompt 8 --eps_clip 0.1 {}
"""


def facts(script: str) -> dict[str, object]:
    document = parse_shell(script, "run.sh")
    assert document.root is not None
    data = document.value(document.root)
    assert recognised(dialect("openrlhf"), data) is not None
    found = said(dialect("openrlhf"), data, document)
    stated = {each.fact: each.value for each in found.statements}
    return {**{each.fact: each.value for each in found.defaults}, **stated}


@pytest.mark.parametrize(
    "start",
    [
        "python -m ",
        "python3 -u -m ",
        "deepspeed --module ",
        "srun python -m ",
        "uv run python -m ",
        "ray job submit --address=http://127.0.0.1:8265 -- python3 -m ",
    ],
)
def test_the_actors_rate_is_the_phases(start: str) -> None:
    found = facts(start + PPO.format(""))
    assert found["optimizer.learning_rate"] == 5e-7
    assert found["batch_size"] == 128
    assert found["epochs"] == 3
    assert found["settings.passes_per_rollout"] == 1
    assert found["settings.generations_per_prompt"] == 8
    assert 9e-6 not in found.values()


def test_adapters_count_above_rank_0() -> None:
    assert "adapter.lora.alpha" not in facts("python -m " + PPO.format("--lora_alpha 32"))
    assert facts("python -m " + PPO.format("--lora_rank 8 --lora_alpha 32"))["adapter.lora.alpha"] == 32


def test_the_cosine_ends_at_a_tenth_of_its_peak() -> None:
    found = facts("python -m " + PPO.format(""))
    assert found["schedule.min_learning_rate"] == pytest.approx(5e-8)
    assert "schedule.min_learning_rate" not in facts("python -m " + PPO.format("--lr_scheduler constant"))
