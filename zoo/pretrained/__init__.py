"""Shipped weights and vocabularies."""
