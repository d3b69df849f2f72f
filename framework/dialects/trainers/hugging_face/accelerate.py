"""accelerate's launch configuration (`accelerate config`): processes and number format, read with PyYAML.

`num_processes` counts the processes of all machines together. `mixed_precision: 'no'` is what stands there when nobody
chose one, and gives way to what a script or transformers' own `bf16` and `fp16` say: so it is taken as a default.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, by_marks, read_table
from framework.dialects.terms import UNSET, Default, Dialect, Key, Said, Scope, Unknown, words


def _precision(word: Any, scope: Scope) -> Any:
    if word in ("no", False):
        return UNSET
    if word == "fp8":
        return Unknown("fp8 is used beside a 16-bit format")
    return values.precision(word, scope)


KEYS: dict[str, Key] = {
    "num_processes": Key("hardware.count|batch_size.processes"),
    "mixed_precision": Key("precision", _precision),
    "parallelism_config.parallelism_config_tp_size": Key(
        "batch_size.processes", values.parallel("a tensor parallelism")
    ),
    "parallelism_config.parallelism_config_cp_size": Key(
        "batch_size.processes", values.parallel("a context parallelism")
    ),
    "megatron_lm_config.megatron_lm_tp_degree": Key("batch_size.processes", values.parallel("a tensor parallelism")),
    "megatron_lm_config.megatron_lm_pp_degree": Key("batch_size.processes", values.parallel("a pipeline")),
    "megatron_lm_config.megatron_lm_gradient_clipping": Key("max_grad_norm"),
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


NONE = Default("precision", "fp32", "mixed_precision other than 'no'")


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    said = read_table(data, KEYS, SILENT)
    return assume(said, [NONE]) if data.get("mixed_precision") in ("no", False) else said


DIALECT = Dialect(
    "accelerate", "accelerate", by_marks(MARKS, 3, "accelerate's launch settings"), _read, "pyyaml", KEYS, beside=True
)
