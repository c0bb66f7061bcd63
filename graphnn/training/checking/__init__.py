"""What is wrong with a file as a whole: its graph, its examples, its data, its training."""
