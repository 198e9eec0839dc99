"""The commands, a file a subject, each a few lines: one call, one answer."""
