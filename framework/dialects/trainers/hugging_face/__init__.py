"""Trainers and files of the Hugging Face libraries, and DeepSpeed, which they call."""
