"""What both versions of xAPI ask of an LRS, rule by rule; and the ADL suite, from its checkout."""
