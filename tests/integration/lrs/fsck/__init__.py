"""fsck: each kind of damage is found by its name, and mended where it can be."""
