"""QEMU: one VM as one detached process, found again by what the kernel knows of it."""

from boot2docker_py.drivers.qemu.driver import HOW_TO_INSTALL, QEMUDriver, is_available

__all__ = ["HOW_TO_INSTALL", "QEMUDriver", "is_available"]
