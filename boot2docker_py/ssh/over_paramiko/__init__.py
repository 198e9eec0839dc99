"""What is done with paramiko's inside: the only room that knows it."""
