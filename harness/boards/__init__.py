"""What a board can do (`board`), apart from how each kind of board does it."""
