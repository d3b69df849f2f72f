"""The project's own decoder, whose parts are switches. Importing :mod:`runners.models.gpt.language_model` makes it
known to transformers: `AutoModelForCausalLM.from_pretrained` then loads its checkpoints."""
