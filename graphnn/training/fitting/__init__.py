"""The training loop and its parts: optimizers, schedules, metrics, augmentation, checkpoints."""
