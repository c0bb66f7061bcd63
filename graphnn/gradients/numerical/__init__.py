"""The numerical gradient: moves parameters, looks at the loss, and sees no backward pass."""
