"""A variant's model and an engine, made into a firmware image."""
