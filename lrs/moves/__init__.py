"""Moves: an institution from one shard to another, while it goes on, compared before it counts.

`mover` is the order of the steps, `directory` where they are noted. `log`, `tables` and `index`
each copy one kind of data and compare it; all may be called again at any time and end the same.
`clearing` empties what a move, or one that was given up, leaves behind.
"""
