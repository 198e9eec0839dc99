"""What each command does, in a line; made from their docstrings by `make docs`.

The first page of help and completion need them all, and would have to import every command.
"""

from __future__ import annotations

from typing import Mapping

SUMMARIES: Mapping[str, str] = {
    "autostart": "Start the VM when you log in, and save it when you log off",
    "clone": "Make a VM that is a copy of this one",
    "completion": "Let a shell complete commands, flags and names",
    "config": "Print the settings in force",
    "console": "Join the VM's serial console, a way in when SSH is dead",
    "cp": "Copy files into the VM or out of it",
    "delete": "Delete the VM and its disk",
    "docker": "Run the docker client of the VM, for a machine that has none",
    "doctor": "Look for what is wrong, and say how to fix it",
    "down": "Shut the VM down, as its power button does",
    "download": "Fetch the image and verify it",
    "export": "Write the VM into one file, for another machine",
    "forward": "Start, show or end the process that serves the engine here",
    "help": "Show what a command does",
    "images": "List the images, or remove those that no VM boots",
    "import": "Make the VM of a file that `export` has written",
    "info": "Print what the VM is made of, in JSON",
    "init": "Make the VM without starting it",
    "ip": "Print the address of the running VM",
    "logs": "Show the end of a log",
    "ls": "List the VMs: ours, the original's, Docker Toolbox's",
    "ports": "List where published ports of containers are reached",
    "poweroff": "Cut the VM's power",
    "rename": "Give the VM another name",
    "reset": "Throw the VM's memory away, and boot it; or go back",
    "restart": "Shut the VM down and bring it up again",
    "rollback": "Change the VM back to the image before",
    "save": "Save the VM's memory to disk and stop it",
    "set": "Change memory, CPUs, disk, ports or shares of the VM",
    "shell": "Open a shell here whose docker uses the VM",
    "shellinit": "Print what makes this shell's docker use the VM",
    "snapshot": "Keep the VM as it is, and go back to it",
    "ssh": "Open a shell in the VM, or run a command there",
    "ssh-config": "Print what ssh and VS Code need to log in",
    "status": "Print the state of the VM in one word",
    "swarm": "Run several VMs as one Docker Swarm",
    "uninstall": "List all that boot2docker has here, and remove it",
    "up": "Bring VM and engine up, from any state",
    "upgrade": "Change the VM to a newer image",
    "version": "Print the version of this program, and the image's",
}
