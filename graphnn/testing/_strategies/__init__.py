"""What `graphnn.testing.strategies` shows, a module a kind of thing that is drawn."""
