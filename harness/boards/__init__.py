"""Boards: the interface (`board`), and one module per kind."""
