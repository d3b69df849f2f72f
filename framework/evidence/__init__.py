"""What runs leave behind, read without torch: records, logs, tensors and masks."""
