"""verl's PPO and SFT trainers: their YAML, and the dotted overrides of `python -m verl.trainer.main_ppo`.

Read in verl 0.9.1 (`trainer/config/`, `trainer/ppo/ray_trainer.py`, `workers/config/optimizer.py`).
`ppo_mini_batch_size` counts prompts, and each has `rollout.n` answers: an optimizer step takes their product
(`ray_trainer.py`: `ppo_mini_batch_size * rollout.n`). `data.train_batch_size` of PPO is the prompts of one rollout, of
SFT the whole batch. `lr_warmup_steps` goes before the ratio where it is above 0; `warmup_style`, the older name, goes
before `lr_scheduler_type`, and a constant schedule reads no `min_lr_ratio`. The losses of the divergence are read only
with `use_kl_loss`, or with `use_kl_in_reward`. The critic's optimizer is its own. Defaults are told for commands alone:
a YAML is composed.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, at, read_table
from framework.dialects.renamed_keys import nested, read_nested
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, Recognition, Said, Scope, Unknown, words

_ACTOR, _ROLLOUT, _MODEL = (f"actor_rollout_ref.{part}" for part in ("actor", "rollout", "model"))


def _mini(word: Any, scope: Scope) -> Any:
    answers = at(scope, "actor_rollout_ref", "rollout", "n")
    if answers is None:
        answers = 1
    if type(word) is int and type(answers) is int:
        return word * answers
    return Unknown("it counts prompts, of which `rollout.n` says how many answers each has")


def _ratio(*place: str) -> Any:
    def translate(word: Any, scope: Scope) -> Any:
        steps = at(scope, *place, "lr_warmup_steps")
        return UNSET if word is None or (isinstance(steps, int) and steps > 0) else word

    return translate


def _least(*place: str) -> Any:
    def translate(word: Any, scope: Scope) -> Any:
        peak = values.number(at(scope, *place, "lr"), scope)
        names = [at(scope, *place, key) for key in ("warmup_style", "lr_scheduler_type", "lr_scheduler")]
        if word is None or next((name for name in names if name is not None), None) == "constant":
            return UNSET
        if not isinstance(word, (int, float)) or not isinstance(peak, (int, float)):
            return Unknown("a share of a learning rate that is not stated here")
        return Instead("schedule.min_learning_rate", word * peak)

    return translate


def _style(*place: str) -> Any:
    def translate(word: Any, scope: Scope) -> Any:
        return values.schedule(word, scope) if at(scope, *place, "warmup_style") is None else UNSET

    return translate


def _steps(word: Any, scope: Scope) -> Any:
    return UNSET if word is None or (isinstance(word, int) and word < 0) else word


def _where(switch: tuple[str, ...]) -> Any:
    return lambda word, scope: word if at(scope, *switch) is True else UNSET


def _devices(word: Any, scope: Scope) -> Any:
    return values.per_node(word, scope.get("trainer") or {})


def _rank(word: Any, scope: Scope) -> Any:
    return UNSET if word == 0 else values.given(word, scope)


def _lora(word: Any, scope: Scope) -> Any:
    rank = at(scope, "actor_rollout_ref", "model", "lora_rank")
    return UNSET if rank in (None, 0) else values.modules(word, scope)


def _optimizer(*place: str) -> dict[str, Key]:
    base = ".".join(place)
    return {
        f"{base}.lr": Key("optimizer.learning_rate", values.number),
        f"{base}.optimizer": Key("optimizer.name", values.optimizer),
        f"{base}.weight_decay": Key("optimizer.weight_decay", values.number),
        f"{base}.betas": Key("optimizer.betas"),
        f"{base}.lr_warmup_steps": Key("schedule.warmup.steps", _steps),
        f"{base}.lr_warmup_steps_ratio": Key("schedule.warmup.ratio", _ratio(*place)),
        f"{base}.lr_scheduler_type": Key("schedule.name", _style(*place)),
        f"{base}.lr_scheduler": Key("schedule.name", values.schedule),
        f"{base}.warmup_style": Key("schedule.name", values.schedule),
        f"{base}.min_lr_ratio": Key("schedule.min_learning_rate", _least(*place)),
        f"{base}.clip_grad": Key("max_grad_norm"),
    }


_SHARED: dict[str, Key] = {
    "trainer.total_epochs": Key("epochs", values.given),
    "trainer.total_training_steps": Key("max_steps", values.positive),
    "trainer.n_gpus_per_node": Key("hardware.count", _devices),
}
KEYS: dict[str, Key] = {
    **_optimizer("actor_rollout_ref", "actor", "optim"),
    **_SHARED,
    f"{_ACTOR}.grad_clip": Key("max_grad_norm"),
    f"{_ACTOR}.ppo_mini_batch_size": Key("batch_size", _mini),
    f"{_ACTOR}.ppo_epochs": Key("settings.passes_per_rollout"),
    f"{_ACTOR}.clip_ratio": Key("settings.clip_range"),
    f"{_ACTOR}.entropy_coeff": Key("settings.entropy_coefficient"),
    f"{_ACTOR}.kl_loss_coef": Key("settings.kl_coefficient", _where(("actor_rollout_ref", "actor", "use_kl_loss"))),
    "algorithm.kl_ctrl.kl_coef": Key("settings.kl_coefficient", _where(("algorithm", "use_kl_in_reward"))),
    "algorithm.gamma": Key("settings.discount"),
    "algorithm.lam": Key("settings.gae_lambda"),
    f"{_ROLLOUT}.n": Key("settings.generations_per_prompt"),
    f"{_ROLLOUT}.temperature": Key("settings.temperature"),
    f"{_ROLLOUT}.top_p": Key("settings.top_p"),
    "data.max_prompt_length": Key("settings.max_prompt_length"),
    "data.max_response_length": Key("settings.max_completion_length"),
    "data.seed": Key("seed", values.given),
    f"{_MODEL}.path": Key("model.hub", values.repository),
    f"{_MODEL}.lora_rank": Key("adapter.lora.rank", _rank),
    f"{_MODEL}.lora_alpha": Key("adapter.lora.alpha", _lora),
    f"{_MODEL}.target_modules": Key("adapter.lora.targets", _lora),
}
_SFT: dict[str, Key] = {
    **_optimizer("optim"),
    **_SHARED,
    "data.train_batch_size": Key("batch_size"),
    "data.max_length": Key("sequence_length", values.given),
    "trainer.seed": Key("seed", values.given),
    "model.path": Key("model.hub", values.repository),
    "model.partial_pretrain": Key("model.hub", values.repository),
}
SILENT = words(
    "data.train_files data.val_files data.micro_batch_size data.micro_batch_size_per_gpu data.val_batch_size"
    " data.prompt_key data.response_key data.messages_key data.num_workers data.dataloader_num_workers"
    " data.filter_overlong_prompts_workers data.trust_remote_code data.shuffle data.use_dynamic_bsz data.image_key"
    " trainer.logger trainer.project_name trainer.experiment_name trainer.save_freq trainer.test_freq trainer.nnodes"
    " trainer.val_before_train trainer.default_local_dir trainer.default_hdfs_dir trainer.resume_mode trainer.device"
    " trainer.resume_from_path trainer.log_val_generations trainer.max_actor_ckpt_to_keep trainer.balance_batch"
    " trainer.max_critic_ckpt_to_keep trainer.ray_wait_register_center_timeout trainer.rollout_data_dir"
    " trainer.validation_data_dir trainer.esi_redundant_time ray_kwargs ray_init global_profiler"
    " actor_rollout_ref.actor.ppo_micro_batch_size actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu"
    " actor_rollout_ref.actor.ppo_max_token_len_per_gpu actor_rollout_ref.actor.use_dynamic_bsz"
    " actor_rollout_ref.actor.fsdp_config actor_rollout_ref.actor.megatron actor_rollout_ref.actor.checkpoint"
    " actor_rollout_ref.actor.profiler actor_rollout_ref.actor.strategy actor_rollout_ref.actor.use_kl_loss"
    " actor_rollout_ref.actor.ulysses_sequence_parallel_size actor_rollout_ref.actor.use_torch_compile"
    " actor_rollout_ref.actor.entropy_checkpointing actor_rollout_ref.model.use_remove_padding"
    " actor_rollout_ref.model.enable_gradient_checkpointing actor_rollout_ref.model.use_shm"
    " actor_rollout_ref.model.trust_remote_code actor_rollout_ref.ref actor_rollout_ref.hybrid_engine"
    " actor_rollout_ref.nccl_timeout actor_rollout_ref.rollout.name actor_rollout_ref.rollout.mode"
    " actor_rollout_ref.rollout.tensor_model_parallel_size actor_rollout_ref.rollout.gpu_memory_utilization"
    " actor_rollout_ref.rollout.log_prob_micro_batch_size actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu"
    " actor_rollout_ref.rollout.enforce_eager actor_rollout_ref.rollout.free_cache_engine"
    " actor_rollout_ref.rollout.load_format actor_rollout_ref.rollout.max_num_batched_tokens"
    " actor_rollout_ref.rollout.enable_chunked_prefill actor_rollout_ref.rollout.val_kwargs"
    " actor_rollout_ref.rollout.dtype actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu"
    " actor_rollout_ref.rollout.max_num_seqs actor_rollout_ref.rollout.layered_summon algorithm.use_kl_in_reward"
    " critic.ppo_micro_batch_size critic.ppo_micro_batch_size_per_gpu critic.model critic.strategy critic.megatron"
)
_DEFAULTS = (
    Default("optimizer.learning_rate", 1e-6, f"{_ACTOR}.optim.lr"),
    Default("optimizer.weight_decay", 0.01, f"{_ACTOR}.optim.weight_decay"),
    Default("optimizer.name", "adamw", f"{_ACTOR}.optim.optimizer"),
    Default("schedule.warmup.steps", 0, f"{_ACTOR}.optim.lr_warmup_steps"),
    Default("schedule.name", "constant", f"{_ACTOR}.optim.lr_scheduler_type"),
    Default("max_grad_norm", 1.0, f"{_ACTOR}.grad_clip"),
    Default("epochs", 30, "trainer.total_epochs"),
    Default("settings.clip_range", 0.2, f"{_ACTOR}.clip_ratio"),
    Default("settings.passes_per_rollout", 1, f"{_ACTOR}.ppo_epochs"),
    Default("settings.entropy_coefficient", 0, f"{_ACTOR}.entropy_coeff"),
    Default("settings.generations_per_prompt", 1, f"{_ROLLOUT}.n"),
    Default("settings.max_prompt_length", 512, "data.max_prompt_length"),
    Default("settings.max_completion_length", 512, "data.max_response_length"),
)


def _recognise(data: Any) -> Recognition | None:
    plain, _ = nested(data)
    if isinstance(at(plain, "actor_rollout_ref"), dict):
        return Recognition(0.97, "verl's actor_rollout_ref")
    trainer, files = at(plain, "trainer"), at(plain, "data", "train_files")
    if isinstance(trainer, dict) and files is not None and isinstance(at(plain, "optim"), dict):
        return Recognition(0.93, "verl's data.train_files, optim and trainer")
    return None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    plain, places = nested(data)
    reinforced = isinstance(plain.get("actor_rollout_ref"), dict)
    said = read_nested(data, lambda scope: read_table(scope, KEYS if reinforced else _SFT, SILENT))
    if not reinforced or not places:
        return said
    facts = {statement.fact for statement in said.statements}
    skipped = {"schedule.warmup.steps"} if "schedule.warmup.ratio" in facts else set()
    skipped |= {"epochs"} if "max_steps" in facts else set()
    return assume(said, [default for default in _DEFAULTS if default.fact not in skipped])


DIALECT = Dialect("verl", "verl", _recognise, _read, "omegaconf", {**KEYS, **_SFT}, splits=True)
