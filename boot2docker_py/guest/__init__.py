"""What is said to the guest, over SSH or at its first boot: seed, clock, engine, logs, terminal."""
