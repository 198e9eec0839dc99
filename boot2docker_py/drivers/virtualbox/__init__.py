"""VirtualBox as a hypervisor, through its own API."""
