"""The ops, one file a family; a module here is found by being here."""
