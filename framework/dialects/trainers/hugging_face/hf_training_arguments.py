"""`transformers.TrainingArguments` in YAML, JSON or as flags, with the usual arguments of the example scripts.

`HfArgumentParser` reads YAML with PyYAML's `safe_load`, so `2e-4` is a string to it, and stays one: with it
TrainingArguments of 4.57 and 5.23 end in a TypeError at the first use of a rate, a decay or a norm. Arguments of TRL
and of ms-swift among these are read as theirs. A file with `dataset_name` may be a script's of TRL without saying so:
there such text is a number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.dialects import values
from framework.dialects.families import trainer_arguments as arguments
from framework.dialects.families.trainer_surroundings import judge
from framework.dialects.families.weight_formats import loaded_in
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import PROGRAM, ByVersion, Default, Dialect, Said, Scope, Statement, Surrounding, Unknown
from framework.dialects.trainers.hugging_face import ms_swift, trl

_LOADED = ByVersion(
    "transformers", (("0", "fp32"), ("5", Unknown("from 5 on a checkpoint is loaded, and trained, in its own dtype")))
)
_TEXT = (
    "it is text to its YAML reader, which the Trainer fails on and TRL's parser makes a number of; nothing here says "
    "whose arguments these are"
)
MARKS = frozenset(arguments.TRAINING) | {
    "output_dir", "report_to", "logging_steps", "save_strategy", "eval_strategy", "evaluation_strategy",
    "per_device_eval_batch_size", "save_total_limit", "dataloader_num_workers", "gradient_checkpointing",
    "load_best_model_at_end", "metric_for_best_model",
}  # fmt: skip
_marked = by_marks(MARKS, 3, "arguments of transformers' Trainer", arguments.FOREIGN | trl.MARKS)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, arguments.PROOF, 1) else None


def _defaults(scope: Scope) -> tuple[Default, ...]:
    found = arguments.DEFAULTS
    if scope.get("optim") == "sgd":
        found += (Default("optimizer.momentum", 0.0, "momentum (the Trainer passes none)"),)
    found += tuple(loaded_in(scope))
    if scope.get("model_name_or_path") is not None:
        found = tuple(replace(each, value=_LOADED) if each.fact == "precision" else each for each in found)
    return found


def _read(data: Any) -> Said:
    data = trl.with_program(data)
    scope = next((scope for _, scope in scopes(data, frozenset(arguments.TRAINING), 1)), {})
    if trl.is_trl(scope):
        return trl.read(data)
    if ms_swift.is_swift(scope):
        return ms_swift.read(data)
    found = arguments.read(data, arguments.KEYS, arguments.SILENT, _defaults)
    if scope.get("dataset_name") and PROGRAM not in scope:
        found.statements = [_of_text(each) for each in found.statements]
    return found


def _of_text(statement: Statement) -> Statement:
    """A number that the file has as text: what it is to the one parser that may read it, and to the other."""
    word = statement.word
    if not isinstance(word, str) or statement.fact.rpartition(".")[2] not in values.NUMERIC:
        return statement
    meant = values.number(word, {})
    return statement if meant == word else replace(statement, value=Unknown(_TEXT, (meant,)))


def _judge(said: Said, around: Surrounding) -> None:
    (ms_swift.judge if said.trainer == ms_swift.TRAINER else judge)(said, around)


DIALECT = Dialect(
    "hf-training-arguments", "transformers' Trainer", _recognise, _read, "pyyaml", arguments.KEYS, judge=_judge
)
