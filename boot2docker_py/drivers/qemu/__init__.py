"""QEMU: one VM as one detached process, found again by what the kernel knows of it."""
