"""What is done with one VM of VirtualBox."""
