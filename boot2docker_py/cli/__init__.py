"""The command line: options in, one call, one answer out. The only room that knows the screen."""
