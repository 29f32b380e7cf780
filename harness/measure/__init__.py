"""Turn a model, a board and a stimulus into figures."""
