"""What a fault does: one file per kind. ``registry.Effects`` knows them all."""
