"""Pictures of data, training and gradients, by matplotlib; a module a picture."""
