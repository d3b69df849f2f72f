"""accelerate's launch configuration (`accelerate config`): processes and number format, read with PyYAML.

`num_processes` counts the processes of all machines together.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.model import Dialect, Key, Said, Scope, Unknown, words
from framework.dialects.tables import by_marks, read_table


def _precision(word: Any, scope: Scope) -> Any:
    if word == "fp8":
        return Unknown("fp8 is used beside a 16-bit format")
    return values.precision(word, scope)


KEYS: dict[str, Key] = {
    "num_processes": Key("hardware.count|batch_size.processes"),
    "mixed_precision": Key("precision", _precision),
    "deepspeed_config.gradient_accumulation_steps": Key("batch_size.accumulation", values.auto()),
    "deepspeed_config.gradient_clipping": Key("max_grad_norm", values.auto()),
    "gradient_accumulation_steps": Key("batch_size.accumulation"),
}
SILENT = words(
    "compute_environment distributed_type machine_rank main_process_ip main_process_port num_machines"
    " main_training_function main_process_port rdzv_backend same_network gpu_ids debug use_cpu tpu_name tpu_zone"
    " tpu_env tpu_use_cluster tpu_use_sudo downcast_bf16 enable_cpu_affinity dynamo_backend dynamo_config"
    " deepspeed_config fsdp_config megatron_lm_config mpirun_config parallelism_config command_file commands"
    " deepspeed_hostfile"
)
MARKS = frozenset(
    words(
        "compute_environment distributed_type machine_rank num_machines num_processes mixed_precision rdzv_backend"
        " main_training_function same_network downcast_bf16"
    )
)


def _read(data: Any) -> Said:
    return read_table(data, KEYS, SILENT) if isinstance(data, dict) else Said()


DIALECT = Dialect("accelerate", "accelerate", by_marks(MARKS, 3, "accelerate's launch settings"), _read, "pyyaml", KEYS)
