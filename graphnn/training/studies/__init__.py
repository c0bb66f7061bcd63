"""Searches for settings, kept in Optuna studies."""
