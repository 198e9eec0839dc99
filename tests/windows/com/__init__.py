"""VirtualBox through COM: the stand-in in a process of its own, reached by the real pywin32."""
