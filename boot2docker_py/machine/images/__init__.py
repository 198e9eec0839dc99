"""The images of VMs: offered, taken, pinned, kept, and the word that there is a newer one."""
