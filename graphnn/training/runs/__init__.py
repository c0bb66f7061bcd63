"""Runs in folders: training, evaluation, prediction, and the figures that they leave."""
