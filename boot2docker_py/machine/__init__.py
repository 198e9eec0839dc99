"""The life of one VM, above all drivers."""
