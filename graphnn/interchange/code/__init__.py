"""Networks written as code that a person would have written."""
