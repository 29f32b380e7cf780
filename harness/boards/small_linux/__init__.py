"""Small Linux computers: connection, environment there, and the runner that is copied to them."""
