"""The catalogue: what stands under `settings:` in many papers, with its meaning, its kind and its usual spellings.

A spelling stands here only if it means one thing wherever it stands. A bare `beta`, `gamma`, `alpha` or `tau` does not:
what a trainer means by it is in :mod:`framework.dialects.well_known.trainer_words`, what a section makes of it in
:mod:`framework.dialects.well_known.named`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["share", "weight", "number", "count", "pixels", "tokens", "steps", "term", "switch"]
KINDS: dict[Kind, str] = {
    "share": "a share, from 0 to 1",
    "weight": "a factor of a term of the loss",
    "number": "a number",
    "count": "a whole number",
    "pixels": "pixels of a side, or of each side",
    "tokens": "tokens",
    "steps": "steps of the environment, or of the process",
    "term": "a term of the field",
    "switch": "true or false",
}


class Fact(NamedTuple):
    """One fact: `settings.<name>` of the section of a manifest that usually states it."""

    name: str
    section: Literal["phase", "model", "dataset"]
    kind: Kind
    meaning: str
    spellings: tuple[str, ...]
    """What else it is called, wherever it stands."""


_TABLE: tuple[tuple[str, Literal["phase", "model", "dataset"], Kind, str, str], ...] = (
    # Regularisation
    ("dropout", "model", "share", "Share of the activations that are set to zero while training",
     "dropout_rate dropout_prob dropout_p p_dropout drop_rate hidden_dropout hidden_dropout_prob resid_pdrop"),
    ("attention_dropout", "model", "share", "Dropout of the attention's weights",
     ("attention_dropout_rate attention_dropout_prob attention_probs_dropout_prob attn_dropout attn_dropout_rate"
     " attn_drop_rate attn_drop attn_pdrop")),
    ("drop_path", "model", "share", "Stochastic depth: share of the last block's residual branches that are left out",
     "drop_path_rate drop_path_prob stochastic_depth stochastic_depth_rate stochastic_depth_prob"),
    ("label_smoothing", "phase", "share", "Share of the target's probability that is spread over the other classes",
     "label_smoothing_factor label_smoothing_epsilon label_smooth"),
    ("ema_decay", "phase", "share", "Decay of the moving average of the weights, per step",
     "model_ema_decay ema_decay_rate ema_rate ema_beta ema_max_decay"),
    ("max_grad_value", "phase", "number", "The value at which each element of a gradient is cut off",
     "clip_grad_value grad_clip_value gradient_clip_value max_gradient_value clipvalue"),
    ("neftune_alpha", "phase", "number", "Scale of the noise on embeddings while fine-tuning", "neftune_noise_alpha"),
    ("auxiliary_loss_weight", "phase", "weight", "Weight of an auxiliary loss beside the main one",
     "aux_loss_weight aux_loss_coef aux_loss_coeff auxiliary_loss_coef aux_weight auxiliary_weight"),
    ("load_balancing_weight", "phase", "weight", "Weight of the loss that balances a mixture's experts",
     ("router_aux_loss_coef router_aux_loss_coeff moe_aux_loss_coef moe_aux_loss_coeff load_balancing_loss_weight"
     " load_balancing_loss_coef load_balance_loss_weight load_balance_loss_coef")),
    ("z_loss", "phase", "weight", "Weight of the squared log-partition of the output's softmax",
     "z_loss_weight z_loss_coef z_loss_coeff z_loss_multiplier"),
    ("router_z_loss", "phase", "weight", "Weight of the squared log-partition of the router's softmax",
     "router_z_loss_weight router_z_loss_coef router_z_loss_coeff moe_z_loss_coef moe_z_loss_coeff"),
    # Images
    ("image_size", "dataset", "pixels", "Side of the images that the model reads",
     "img_size image_resolution input_resolution img_resolution"),
    ("patch_size", "model", "pixels", "Side of the patches that an image is cut into", ""),
    ("augmentation", "dataset", "term", "The policy by which training examples are changed at random",
     "augmentations data_augmentation auto_augment autoaugment"),
    ("mixup", "dataset", "number", "Mixup: the parameter of the Beta distribution that weighs two examples",
     "mixup_alpha"),
    ("cutmix", "dataset", "number", "CutMix: the parameter of the Beta distribution that sizes the pasted patch",
     "cutmix_alpha"),
    ("random_erasing", "dataset", "share", "Share of the images of which a random rectangle is erased",
     "random_erasing_prob random_erase random_erase_prob reprob"),
    ("color_jitter", "dataset", "number", "Strength of random changes of brightness, contrast and saturation",
     "colour_jitter"),
    ("repeated_augmentation", "dataset", "count", "Augmented copies of each image in one batch",
     "repeated_aug aug_repeats num_repeated_aug"),
    # Series
    ("horizon", "dataset", "steps", "Steps that are predicted or planned ahead",
     "forecast_horizon prediction_horizon planning_horizon pred_len prediction_length"),
    # Reinforcement learning
    ("discount", "phase", "share", "Discount of a reward that comes one step later", "discount_factor"),
    ("gae_lambda", "phase", "share", "Generalised advantage estimation: decay over steps of the advantages",
     "gae_lam gae_lmbda lambda_gae"),
    ("clip_range", "phase", "number", "PPO: how far the ratio of the new policy to the old may be from 1",
     "cliprange clip_ratio clip_coef clip_eps clip_epsilon eps_clip clip_param ppo_clip ppo_clip_ratio ppo_clip_range"),
    ("value_clip_range", "phase", "number", "PPO: how far the new value may be from the old",
     "clip_range_vf cliprange_value vf_clip_param vf_clip_eps"),
    ("value_coefficient", "phase", "weight", "Weight of the value function's loss",
     ("vf_coef vf_loss_coef vf_loss_coeff value_coef value_coeff value_loss_coef value_loss_coeff"
     " value_loss_coefficient value_loss_weight")),
    ("entropy_coefficient", "phase", "weight", "Weight of the policy's entropy",
     "ent_coef ent_coeff entropy_coef entropy_coeff entropy_weight entropy_loss_coef entropy_loss_coeff entropy_cost"),
    ("kl_coefficient", "phase", "weight", "Weight of the divergence from the reference policy; beta of DPO and GRPO",
     "kl_coef kl_coeff init_kl_coef kl_loss_coef kl_beta dpo_beta pref_beta rl_beta grpo_beta"),
    ("target_kl", "phase", "number", "The divergence from the old policy at which an update ends, or that it aims at",
     "kl_target"),
    ("rollouts", "phase", "count", "Rollouts that are collected before each update", "num_rollouts n_rollouts"),
    ("rollout_length", "phase", "steps", "Steps of each environment in one rollout",
     ("rollout_steps num_rollout_steps n_rollout_steps steps_per_rollout rollout_len rollout_fragment_length"
     " unroll_length unroll_len num_steps_per_env")),
    ("passes_per_rollout", "phase", "count", "Passes over the collected rollouts in one update",
     ("ppo_epochs ppo_epoch num_ppo_epochs n_ppo_epochs update_epochs k_epochs num_sgd_iter num_learning_epochs"
     " noptepochs")),
    ("minibatches", "phase", "count", "Parts that the collected rollouts are split into, for one step each",
     "num_minibatches n_minibatches num_mini_batches n_mini_batches num_mini_batch nminibatches"),
    ("environments", "phase", "count", "Environments that are stepped side by side",
     "num_envs n_envs num_environments n_environments num_parallel_envs"),
    ("replay_buffer_size", "phase", "count", "Transitions that the replay buffer holds",
     "replay_buffer_capacity replay_size replay_capacity replay_memory_size"),
    ("target_network_update", "phase", "share", "Share of the online network that is mixed into the target: tau",
     "target_tau soft_target_tau soft_update_tau target_update_tau target_smoothing_coefficient"),
    ("target_update_interval", "phase", "steps", "Steps between two updates of the target network",
     ("target_update_freq target_update_frequency target_update_period target_network_frequency"
     " target_network_update_freq")),
    ("learning_starts", "phase", "steps", "Steps that are collected before the first update",
     "learning_start start_timesteps"),
    # Language models that learn from their own answers
    ("generations_per_prompt", "phase", "count", "Answers that are sampled to each prompt",
     "num_generations num_generations_per_prompt n_samples_per_prompt samples_per_prompt rloo_k"),
    ("max_prompt_length", "phase", "tokens", "Tokens of a prompt; longer ones are cut or left out",
     "max_prompt_len prompt_max_len"),
    ("max_completion_length", "phase", "tokens", "Tokens after which a sampled answer is cut off",
     "max_completion_len max_response_length response_length generate_max_len"),
    ("temperature", "phase", "number", "Temperature of a softmax: of sampling, or of a contrastive loss",
     "sampling_temperature softmax_temperature"),
    ("top_p", "phase", "share", "Share of the probability that is sampled from", ""),
    ("sequence_packing", "phase", "switch", "Whether several examples are put into one sequence",
     "packing sample_packing neat_packing use_packing pack_sequences"),
    # Diffusion
    ("diffusion_steps", "phase", "steps", "Steps of the diffusion process that is trained",
     ("num_diffusion_steps n_diffusion_steps diffusion_timesteps num_diffusion_timesteps num_train_timesteps"
     " noise_steps ddpm_num_steps")),
    ("sampling_steps", "phase", "steps", "Steps of the process that samples",
     "num_sampling_steps sampling_timesteps num_inference_steps ddim_steps ddpm_num_inference_steps"),
    ("noise_schedule", "phase", "term", "How the noise grows over the diffusion's steps",
     "beta_schedule ddpm_beta_schedule"),
    ("prediction_type", "phase", "term", "What the network predicts: the noise, the sample, the velocity", ""),
    ("guidance_scale", "phase", "number", "Scale of classifier-free guidance",
     "cfg_scale guidance_strength classifier_free_guidance_scale unconditional_guidance_scale"),
    ("condition_dropout", "phase", "share", "Share of the examples that are trained without their condition",
     "cond_drop_prob class_dropout_prob guidance_dropout_prob p_uncond proportion_empty_prompts"),
    ("snr_gamma", "phase", "number", "Signal-to-noise ratio above which a step's loss is scaled down", "min_snr_gamma"),
)  # fmt: skip
FACTS = tuple(Fact(*row[:4], tuple(row[4].split())) for row in _TABLE)
"""Every fact, in the order in which people read them."""
BY_NAME = {fact.name: fact for fact in FACTS}
