"""Saves and loads models without pickle: manifest, then hashes, then shapes and types, then construction."""
