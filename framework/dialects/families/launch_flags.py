"""What launchers' own flags state beside the program's, in one command: torchrun, accelerate launch, deepspeed, srun.

Read in torch 2.13 (`torch/distributed/run.py`: `--nproc-per-node` and `--nnodes`, dashes or underscores), accelerate
1.14 (`commands/launch.py`: `--num_processes` counts the processes of all machines) and DeepSpeed 0.19
(`launcher/runner.py`: `--num_gpus`, or `--num_accelerators` in 0.19.8, is those of one node).
"""

from __future__ import annotations

import math
from dataclasses import replace

from framework.dialects import values
from framework.dialects.terms import Key, Said, Surrounding, Unknown, words

KEYS: dict[str, Key] = {
    "num_processes": Key("hardware.count|batch_size.processes"),
    "nproc_per_node": Key("hardware.count|batch_size.processes", values.per_node),
    "num_gpus": Key("hardware.count|batch_size.processes", values.per_node),
    "num_accelerators": Key("hardware.count|batch_size.processes", values.per_node),
}
"""Flags that count the processes; a dialect whose models are split over devices reads them as devices alone."""
DEVICES: dict[str, Key] = {name: Key("hardware.count", key.translate) for name, key in KEYS.items()}
"""The same, for trainers in which several devices may share one batch."""
SILENT = words(
    "nnodes num_nodes num_machines node_rank machine_rank master_addr master_port main_process_ip main_process_port"
    " rdzv_backend rdzv_endpoint rdzv_id rdzv_conf standalone max_restarts monitor_interval log_dir redirects tee"
    " multi_gpu config_file include exclude hostfile module no_python launcher launcher_args no_ssh start_method role"
    " enable_each_rank_log no_local_rank no_ssh_check ssh_port save_pid venv_script bind_cores_to_rank bind_core_list"
    " force_multi local_rank gpus_per_task gpus_per_node ntasks ntasks_per_node cpus_per_task mem exclusive partition"
)
"""Flags about where and how processes start."""
_PROCESSES = "batch_size.processes"


def count_replicas(said: Said, around: Surrounding) -> None:
    """Of the devices that the manifest states, how many batches they work on: each model is split over as many of them
    as its parallelisms multiply to. Where the file states the whole batch, the split does not change it."""
    split = [each for each in said.statements if each.fact == _PROCESSES and isinstance(each.value, Unknown)]
    known = all(type(each.word) is int and each.word > 0 for each in split)
    if not split or not known or len({each.path[:-1] for each in split}) > 1:
        return
    each_model = math.prod(each.word for each in split)
    whole = any(each.fact == "batch_size" for each in said.statements)
    if not whole and (around.devices < each_model or around.devices % each_model):
        return
    said.statements = [each for each in said.statements if each not in split]
    said.silent |= {each.path for each in split}
    if not whole:
        said.statements.append(replace(split[0], value=around.devices // each_model))
