"""Files and folders into the VM and out of it."""
