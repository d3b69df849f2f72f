"""What each trainer calls the catalogued facts, also by names that mean something only there.

Read in the sources of CleanRL, TRL (PPO, GRPO), timm (`train.py`), axolotl and LLaMA-Factory, in the training examples
of diffusers, and in the documentation of Stable-Baselines3 (on-policy) and torchtune's DPO. The other words are those
in common use there, and were not read in a source: TRL's DPO, Stable-Baselines3's off-policy algorithms and most keys
of transformers' models.
"""

from __future__ import annotations

from typing import NamedTuple


class Trainer(NamedTuple):
    """One trainer: the names that it gives to facts, as places in its files.

    ``dialect`` is the dialect that reads its files. One without has files of no form of its own: they are told by
    ``marks``, names of which one stands somewhere in the file, and then also its bare names mean what they mean to it.
    """

    name: str
    dialect: str
    marks: tuple[str, ...]
    words: dict[str, str]
    """Fact -> the keys, with spaces between, the usual one first."""


def _marks(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ON_POLICY = "gae_lambda clip_range clip_coef clip_ratio clip_eps clip_epsilon eps_clip clip_param cliprange"
_RL = (
    f"{_ON_POLICY} ent_coef entropy_coef vf_coef value_coef env env_id env_name num_envs n_envs learning_starts"
    " replay_size"
)

TRAINERS: tuple[Trainer, ...] = (
    Trainer("Stable-Baselines3", "", _marks(_RL), {
        "discount": "gamma", "gae_lambda": "gae_lambda", "clip_range": "clip_range",
        "value_clip_range": "clip_range_vf", "value_coefficient": "vf_coef", "entropy_coefficient": "ent_coef",
        "target_kl": "target_kl", "rollout_length": "n_steps", "passes_per_rollout": "n_epochs",
        "environments": "n_envs", "replay_buffer_size": "buffer_size", "target_network_update": "tau",
        "target_update_interval": "target_update_interval", "learning_starts": "learning_starts",
    }),
    Trainer("CleanRL", "", _marks(_RL), {
        "discount": "gamma", "gae_lambda": "gae_lambda", "clip_range": "clip_coef",
        "value_coefficient": "vf_coef", "entropy_coefficient": "ent_coef", "target_kl": "target_kl",
        "rollout_length": "num_steps", "passes_per_rollout": "update_epochs", "minibatches": "num_minibatches",
        "environments": "num_envs", "replay_buffer_size": "buffer_size", "target_network_update": "tau",
        "target_update_interval": "target_network_frequency", "learning_starts": "learning_starts",
    }),
    Trainer("TorchRL and SheepRL", "", _marks(_RL), {
        "discount": "gamma", "gae_lambda": "lmbda", "clip_range": "clip_epsilon clip_coef",
        "entropy_coefficient": "entropy_coef ent_coef", "horizon": "horizon",
    }),
    Trainer("verl", "", _marks("adv_estimator actor_rollout_ref"), {
        "discount": "gamma", "gae_lambda": "lam", "clip_range": "clip_ratio", "kl_coefficient": "kl_coef kl_loss_coef",
        "entropy_coefficient": "entropy_coeff", "passes_per_rollout": "ppo_epochs",
        "max_prompt_length": "max_prompt_length", "max_completion_length": "max_response_length",
    }),
    Trainer("timm", "", _marks("reprob remode aa mixup_switch_prob mixup_off_epoch cutmix_minmax drop_path model_ema"
                               " model_ema_decay train_interpolation"), {
        "label_smoothing": "smoothing", "dropout": "drop", "drop_path": "drop_path", "ema_decay": "model_ema_decay",
        "image_size": "img_size input_size", "augmentation": "aa", "mixup": "mixup", "cutmix": "cutmix",
        "random_erasing": "reprob", "color_jitter": "color_jitter", "repeated_augmentation": "aug_repeats",
    }),
    Trainer("diffusers", "", _marks("noise_schedule beta_schedule ddpm_beta_schedule beta_start ddpm_num_steps"
                                    " snr_gamma num_train_timesteps prediction_type proportion_empty_prompts"), {
        "image_size": "resolution", "diffusion_steps": "ddpm_num_steps num_train_timesteps timesteps num_timesteps",
        "sampling_steps": "ddpm_num_inference_steps num_inference_steps",
        "noise_schedule": "ddpm_beta_schedule beta_schedule", "prediction_type": "prediction_type",
        "guidance_scale": "guidance_scale", "condition_dropout": "proportion_empty_prompts",
        "snr_gamma": "snr_gamma", "ema_decay": "ema_max_decay",
    }),
    Trainer("transformers and TRL", "hf-training-arguments", (), {
        "label_smoothing": "label_smoothing_factor label_smoothing", "neftune_alpha": "neftune_noise_alpha",
        "kl_coefficient": "beta kl_coef init_kl_coef", "clip_range": "epsilon cliprange",
        "value_clip_range": "cliprange_value", "value_coefficient": "vf_coef", "discount": "gamma",
        "gae_lambda": "lam", "target_kl": "target_kl", "passes_per_rollout": "num_iterations num_ppo_epochs ppo_epochs",
        "minibatches": "num_mini_batches", "generations_per_prompt": "num_generations rloo_k",
        "max_prompt_length": "max_prompt_length", "max_completion_length": "max_completion_length response_length",
        "temperature": "temperature", "top_p": "top_p", "sequence_packing": "packing",
        "load_balancing_weight": "router_aux_loss_coef",
    }),
    Trainer("LLaMA-Factory", "llama-factory", (), {
        "label_smoothing": "label_smoothing_factor dpo_label_smoothing", "neftune_alpha": "neftune_noise_alpha",
        "kl_coefficient": "pref_beta", "passes_per_rollout": "ppo_epochs", "sequence_packing": "packing neat_packing",
        "load_balancing_weight": "moe_aux_loss_coef",
    }),
    Trainer("axolotl", "axolotl", (), {
        "label_smoothing": "dpo_label_smoothing", "neftune_alpha": "neftune_noise_alpha",
        "kl_coefficient": "rl_beta dpo_beta trl.beta", "clip_range": "trl.epsilon",
        "passes_per_rollout": "trl.num_iterations", "generations_per_prompt": "trl.num_generations",
        "max_completion_length": "trl.max_completion_length", "temperature": "trl.temperature",
        "top_p": "trl.top_p", "sequence_packing": "sample_packing",
    }),
    Trainer("Megatron-LM", "megatron", (), {
        "dropout": "hidden_dropout", "attention_dropout": "attention_dropout",
        "load_balancing_weight": "moe_aux_loss_coeff", "router_z_loss": "moe_z_loss_coeff",
    }),
    Trainer("GPT-NeoX", "gpt-neox", (), {
        "dropout": "hidden_dropout", "attention_dropout": "attention_dropout", "kl_coefficient": "kto_beta dpo_beta",
        "load_balancing_weight": "moe_aux_loss_coeff", "router_z_loss": "moe_z_loss_coeff",
    }),
    Trainer("torchtune", "torchtune", (), {
        "label_smoothing": "loss.label_smoothing", "kl_coefficient": "loss.beta", "sequence_packing": "dataset.packed",
    }),
    Trainer("transformers' models", "hf-model-config", (), {
        "dropout": "hidden_dropout_prob resid_pdrop dropout",
        "attention_dropout": "attention_probs_dropout_prob attn_pdrop attention_dropout",
        "drop_path": "drop_path_rate", "image_size": "image_size", "patch_size": "patch_size",
        "load_balancing_weight": "router_aux_loss_coef", "router_z_loss": "router_z_loss_coef",
    }),
)  # fmt: skip


def words_for(fact: str) -> dict[str, list[str]]:
    """What each trainer that has a word for a fact calls it."""
    return {trainer.name: trainer.words[fact].split() for trainer in TRAINERS if fact in trainer.words}
