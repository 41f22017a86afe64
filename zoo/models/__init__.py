"""The models: one family of builders a file."""
