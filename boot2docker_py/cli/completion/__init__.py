"""What a shell completes after `boot2docker`: asked by its script, answered in lines."""
