"""What trainers write beside their metrics, and is none: times, counts, the memory that was used, where a run is."""

from __future__ import annotations

import re
from functools import lru_cache

from framework.manifest.hyperparameters import KNOBS, plain_metric

_SOURCES = {
    "transformers 5.23, trainer_utils.py": "runtime samples_per_second steps_per_second tokens_per_second",
    "transformers 5.23, trainer.py": "total_flos num_input_tokens_seen model_preparation_time",
    "transformers 4.40, trainer.py": "jit_compilation_time",
    "transformers 5.23, trainer_utils.py, TrainerMemoryTracker": r"\w*_mem_(?:cpu|gpu)(?:_(?:alloc|peaked)_delta)?",
    "transformers' examples, run_*.py": "samples",
    "transformers 5.23, trainer_callback.py and integrations": "step epoch global_step",
    "trl 1.16, sft_trainer.py, dpo_trainer.py, grpo_trainer.py": "num_tokens",
    "lightning 2.6, LearningRateMonitor": r"lr(?:[-/].*)?",
    "lightning 2.6, TensorBoardLogger (-1 where nothing else is given)": "hp_metric",
    "mlflow 3.17, system_metrics_monitor.py": r"system/.*",
    "wandb 0.31": r"_(?:runtime|step|timestamp|wandb)(?:[./].*)?",
}
"""Who writes a name: the names, or patterns of them, without the split that may stand before them."""
_BOOKKEEPING = re.compile("|".join(f"(?:{name})" for names in _SOURCES.values() for name in names.split()))
_OTHER_SPLIT = re.compile(r"(?:train|test|predict)[_/]")


@lru_cache(maxsize=8192)
def is_bookkeeping(name: str) -> bool:
    """Whether a logged name measures nothing of the model: one of the table, or a hyperparameter's."""
    plain = _OTHER_SPLIT.sub("", plain_metric(name), count=1)
    return any(_BOOKKEEPING.fullmatch(each) or KNOBS[each] for each in (name, plain))
