"""Located values and specs to text: layout, formatting, conversion."""
