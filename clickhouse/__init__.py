"""The release pipeline: bound, charge, add noise, ship; and reads of released rows."""
