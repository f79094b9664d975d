"""The xAPI resources (1.0.3 Communication 2, 2.0.0 4.1.6): how the specifications want it asked.

What a statement is stands in `domain.statements`; how it is kept and found, in `lrs`.
"""
