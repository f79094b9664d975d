"""Checks that share no code with the product: what it says is compared with what they compute."""
