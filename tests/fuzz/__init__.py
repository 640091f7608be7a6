"""Damaged files and floods, seeded: whatever a stranger sends is refused or read, and nothing else happens."""
