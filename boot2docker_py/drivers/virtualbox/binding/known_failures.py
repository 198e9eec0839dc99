"""What VirtualBox says when something is wrong, and what to do about it.

Rows further up say more than those below. The words of `example` are those of the threads in
`seen` (tracker and number on GitHub; VB is VirtualBox/virtualbox).
"""

from __future__ import annotations

from boot2docker_py.advice import KnownFailure
from boot2docker_py.errors import (
    BusyError,
    HypervisorError,
    NetworkError,
    StorageError,
    WrongStateError,
)

LINUX, WINDOWS, MACOS = ("linux",), ("win32",), ("darwin",)
WITHOUT_HOST_ONLY = "go on without it: --hostonly off"

TABLE = (
    # The CPU. "Disabled" is said of the firmware even where Hyper-V is named beside it.
    KnownFailure(
        "VTX_BIOS",
        r"VERR_VMX_MSR_(ALL_VMX|VMX|VMXON)_DISABLED|VERR_VMX_MSR_LOCKED_OR_DISABLED",
        "the CPU's virtualisation (VT-x) is switched off in the firmware",
        "Switch on 'Intel VT-x' or 'Virtualization Technology' in the BIOS or UEFI setup, then "
        "switch the computer off and on.",
        HypervisorError,
        example="VT-x is disabled in the BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED).",
        seen="extraordy/rh024#110",
    ),
    KnownFailure(
        "SVM_BIOS",
        r"VERR_SVM_DISABLED",
        "the CPU's virtualisation (AMD-V) is switched off in the firmware",
        "Switch on 'SVM' or 'AMD-V' in the BIOS or UEFI setup, then switch the computer off and "
        "on. If it is on there already, another hypervisor has it (on Windows: Hyper-V).",
        HypervisorError,
        is_guess=True,
        example="AMD-V is disabled in the BIOS (or by the host OS) (VERR_SVM_DISABLED)",
        seen="kubernetes/minikube#7074",
    ),
    KnownFailure(
        "VTX_IN_USE_LINUX",
        r"VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE",
        "KVM has the CPU's virtualisation; from Linux 6.12 on it takes it when its module is "
        "loaded",
        "End the VMs of KVM, then: sudo modprobe -r kvm_intel kvm_amd kvm. For good: "
        "kvm.enable_virt_at_load=0 on the kernel's command line.",
        HypervisorError,
        LINUX,
        example="VirtualBox can't operate in VMX root mode. Please disable the KVM kernel "
        "extension, recompile your kernel and reboot (VERR_VMX_IN_VMX_ROOT_MODE).",
        seen="VB#81, VB#188, NixOS/nixpkgs#363887",
    ),
    KnownFailure(
        "VTX_IN_USE",
        r"VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE",
        "another hypervisor has the CPU's virtualisation",
        "End the other program's VMs (Hyper-V, WSL 2, VMware, an emulator), and try again.",
        HypervisorError,
        is_guess=True,
        example="AMD-V setup failed: VERR_SVM_IN_USE (VERR_SVM_IN_USE).",
        seen="sisoputnfrba/foro#2673",
    ),
    KnownFailure(
        "VTX_HYPERV",
        r"VERR_SUPDRV_NO_RAW_MODE_HYPER_V_ROOT|VERR_NEM_VM_CREATE|VERR_NEM_MISSING_KERNEL_API",
        "Windows' own hypervisor has the CPU (Hyper-V, WSL 2, Sandbox, or Core isolation)",
        "As administrator: bcdedit /set hypervisorlaunchtype off, then restart Windows (auto "
        "instead of off brings it back). If it comes back by itself, switch off Core isolation's "
        "memory integrity. VirtualBox 6 and later can also run on top of it, slowly, with the "
        "feature 'Windows Hypervisor Platform' on.",
        HypervisorError,
        WINDOWS,
        example="Raw-mode is unavailable courtesy of Hyper-V. "
        "(VERR_SUPDRV_NO_RAW_MODE_HYPER_V_ROOT)",
        seen="docker-archive/toolbox#745, #848, #895",
    ),
    KnownFailure(
        "VTX_NONE_WINDOWS",
        r"VERR_(VMX_NO_VMX|SVM_NO_SVM|NEM_NOT_AVAILABLE)",
        "Hyper-V, WSL 2 or Core isolation has the CPU's virtualisation, or it is switched off in "
        "the firmware",
        "Try first, as administrator: bcdedit /set hypervisorlaunchtype off, and restart Windows. "
        "Then look for VT-x or SVM in the BIOS or UEFI setup. In a VM, its own hypervisor must "
        "allow nested virtualisation.",
        HypervisorError,
        WINDOWS,
        is_guess=True,
        example="VT-x is not available (VERR_VMX_NO_VMX)",
        seen="p4lang/tutorials#167, proycon/LaMachine#99",
    ),
    KnownFailure(
        "VTX_NONE",
        r"VERR_(VMX_NO_VMX|SVM_NO_SVM|NEM_NOT_AVAILABLE)",
        "the CPU's virtualisation is switched off in the firmware, or this is itself a VM",
        "Look for VT-x or SVM in the BIOS or UEFI setup. In a VM, its own hypervisor must allow "
        "nested virtualisation. Without either: --driver qemu.",
        HypervisorError,
        ("linux", "darwin"),
        is_guess=True,
        example="AMD-V is not available (VERR_SVM_NO_SVM)",
        seen="jedi4ever/veewee#1109",
    ),
    # The drivers of VirtualBox in the host's kernel, and what keeps them out.
    KnownFailure(
        "VBOX_DRIVER_LINUX",
        r"VERR_VM_DRIVER_|rc=-1908|/dev/vboxdrv",
        "VirtualBox's kernel driver (vboxdrv) is not loaded",
        "sudo modprobe vboxdrv; if there is none: sudo /sbin/vboxconfig, or install the package "
        "virtualbox-dkms. With Secure Boot the module must be signed with a key that is enrolled.",
        HypervisorError,
        LINUX,
        example="Kernel driver not installed (rc=-1908)",
        seen="void-linux/void-packages#33920, kubernetes/minikube#3974",
    ),
    KnownFailure(
        "VBOX_DRIVER_WINDOWS",
        r"VERR_VM_DRIVER_|rc=-1908|VERR_SUPLIB_",
        "VirtualBox's driver is not running",
        "As administrator: sc start vboxsup (before VirtualBox 7: sc start vboxdrv). If there is "
        "none, run VirtualBox's installer again, as administrator, and choose Repair.",
        HypervisorError,
        WINDOWS,
        example="VERR_VM_DRIVER_NOT_INSTALLED (-1908) - The support driver is not installed.",
        seen="docker-archive-public/docker.machine#2047, VB#54",
    ),
    KnownFailure(
        "VBOX_DRIVER_MACOS",
        r"VERR_VM_DRIVER_|rc=-1908",
        "macOS has not let VirtualBox's driver in",
        "Allow it in the system settings, under Security, and restart the Mac.",
        HypervisorError,
        MACOS,
        example="Kernel driver not installed (rc=-1908)",
        seen="TrustTheBoy/blog#27",
    ),
    KnownFailure(
        "VBOX_HARDENING",
        r"terminated unexpectedly.*VBoxHardening|supR3Hardened\w*|VERR_SUP_VP_|supHardenedWin",
        "VirtualBox refuses to run beside a program that puts itself into others, as anti-virus "
        "and anti-cheat programs do",
        "Except VirtualBox's folder and the VM's folder from that program, or update it and "
        "VirtualBox; look into VBoxHardening.log for what was rejected.",
        HypervisorError,
        WINDOWS,
        is_guess=True,
        example="The virtual machine 'default' has terminated unexpectedly during startup with "
        "exit code 1 (0x1). More details may be available in '...VBoxHardening.log'",
        seen="hashicorp/vagrant#12237, vmware-archive/pcfdev#327, kubernetes/minikube#3910",
    ),
    # The host-only network.
    KnownFailure(
        "NET_FLT_NOT_FOUND_WINDOWS",
        r"VERR_INTNET_FLT_IF_NOT_FOUND",
        "the host-only adapter is switched off, gone, or without VirtualBox's network driver",
        "In Network Connections, in the properties of the host-only adapter, tick 'VirtualBox "
        f"NDIS6 Bridged Networking Driver', then disable and enable it. Or {WITHOUT_HOST_ONLY}.",
        NetworkError,
        WINDOWS,
        example="Failed to open/create the internal network 'HostInterfaceNetworking-VirtualBox "
        "Host-Only Ethernet Adapter #2' (VERR_INTNET_FLT_IF_NOT_FOUND).",
        seen="devops-dojo/the-app#24, docker-archive-public/docker.machine#2559",
    ),
    KnownFailure(
        "NET_FLT_NOT_FOUND",
        r"VERR_INTNET_FLT_IF_NOT_FOUND|/dev/vboxnetctl",
        "VirtualBox's network drivers are not loaded, or the host-only adapter is gone",
        f"sudo modprobe -a vboxnetflt vboxnetadp. Or {WITHOUT_HOST_ONLY}.",
        NetworkError,
        ("linux", "darwin"),
        example="Failed to open/create the internal network 'HostInterfaceNetworking-vboxnet0' "
        "(VERR_INTNET_FLT_IF_NOT_FOUND).",
        seen="hashicorp/vagrant#2102, boot2docker/osx-installer#32",
    ),
    KnownFailure(
        "NET_ADAPTER_CREATE",
        r"Failed to create the host-only adapter|aInterfaceName\.isEmpty"
        r"|Host-only adapters are no longer supported",
        "VirtualBox cannot make a host-only adapter",
        "On Windows answer its question for permission, which may be minimised in the task bar; "
        "on a Mac with VirtualBox 7 there are none any more. Make one in the VirtualBox window, "
        f"under Network. Or {WITHOUT_HOST_ONLY}.",
        NetworkError,
        example="Failed to create the host-only adapter",
        seen="docker-archive/toolbox#867, #533",
    ),
    KnownFailure(
        "NET_CIDR_DENIED",
        r"(?s)EnableStaticIPConfig.*0x80070005|0x80070005.*EnableStaticIPConfig",
        "the address is outside of what VirtualBox allows for host-only networks",
        "From 6.1.28 on it allows 192.168.56.0/21, and what /etc/vbox/networks.conf adds. Choose "
        f"another with --hostip, --dhcpip, --lowerip, --upperip. Or {WITHOUT_HOST_ONLY}.",
        NetworkError,
        ("linux", "darwin"),
        example='Code E_ACCESSDENIED (0x80070005) ... Context: "EnableStaticIPConfig(...)"',
        seen="hashicorp/vagrant#12959, kubernetes/minikube#12764",
    ),
    # The VM and its files.
    KnownFailure(
        "VM_SAVED_INVALID",
        r"VERR_SSM_|saved state file .* is invalid|Failed to load unit|VERR_CPUM_INVALID_XCR0",
        "its saved state cannot be restored; it is kept",
        "Start without it; what was in memory is lost, the data disk is kept: "
        "boot2docker up --discard-saved",
        HypervisorError,
        example="The saved state file '...sav' is invalid (VERR_SSM_INTEGRITY_FOOTER). Delete the "
        "saved state and try again",
        seen="boot2docker/boot2docker-cli#318, VB#120",
    ),
    KnownFailure(
        "VM_LOCKED",
        r"already locked (for|by) a session|0x80bb0007|session is busy",
        "the VM is locked by another program",
        "Close the VM's settings in the VirtualBox window, or wait for the other.",
        BusyError,
        example="The machine 'boot2docker-vm' is already locked for a session (or being unlocked)",
        seen="hashicorp/packer#184, GNS3/gns3-server#926",
    ),
    KnownFailure(
        "VM_NOT_MUTABLE",
        r"is not mutable",
        "the VM was changed in a state that does not allow it",
        "Stop it first: boot2docker down. If it is saved: boot2docker up --discard-saved.",
        WrongStateError,
        example="The machine is not mutable (state is Saved)",
        seen="GNS3/gns3-server#299",
    ),
    KnownFailure(
        "VM_INACCESSIBLE",
        r"<inaccessible>|doesn't match its UUID|does not match the value .* stored in the media",
        "VirtualBox's list and the VM's files disagree",
        "In the VirtualBox window: remove the VM without its files, then add it again (Machine, "
        "Add). The data disk is kept by that.",
        HypervisorError,
        example="Machine UUID {...} in '....vbox' doesn't match its UUID {...} in the registry",
        seen="docker-archive/toolbox#225",
    ),
    KnownFailure(
        "DISK_UUID_KNOWN",
        r"Cannot register the hard disk .* already exists",
        "VirtualBox remembers another disk with the same identity",
        "Remove the old one from the list in the VirtualBox window (Virtual Media Manager), and "
        "keep its file if it may matter.",
        HypervisorError,
        example="Cannot register the hard disk '...' because a hard disk '...' with UUID {...} "
        "already exists",
        seen="kubernetes/minikube#3198",
    ),
    KnownFailure(
        "ISO_BAD",
        r"storage format of the medium '[^']*\.iso'.*VERR_NOT_SUPPORTED"
        r"|Could not read from the boot medium"
        r"|VERR_VD_ISO",
        "the image is damaged, or no image at all",
        "Fetch it again: boot2docker download --force-upgrade-download",
        StorageError,
        example="Could not get the storage format of the medium '...boot2docker.iso' "
        "(VERR_NOT_SUPPORTED)",
        seen="boot2docker/boot2docker#106, #753",
    ),
    KnownFailure(
        "DISK_BAD",
        r"Could not open the medium|VERR_VD_\w*(INVALID|CORRUPT)",
        "a disk of the VM is gone, or damaged",
        "Look at the file that is named, and put a copy back if you have one; boot2docker does "
        "not touch it. Without one, what is in it is lost: boot2docker delete, then up.",
        HypervisorError,
        is_guess=True,
        example="VMDK: descriptor does not start as expected in '....vmdk' "
        "(VERR_VD_VMDK_INVALID_HEADER).",
        seen="measured on VirtualBox 7.2",
    ),
    KnownFailure(
        "HOST_DISK_FULL",
        r"VERR_DISK_FULL|VERR_ACCESS_DENIED|VERR_WRITE_PROTECT",
        "VirtualBox cannot write the files of the VM",
        "Make space, or make the folder of VirtualBox's machines writable.",
        StorageError,
        example="VERR_DISK_FULL",
    ),
    KnownFailure(
        "HOST_MEMORY",
        r"VERR_NO_MEMORY|VERR_NO_LOW_MEMORY|VERR_GMM_HIT_GLOBAL_LIMIT|VERR_MAP_FAILED",
        "the host has too little free memory for the VM",
        "End other programs, or give the VM less: boot2docker set --memory MB",
        HypervisorError,
        example="Out of memory condition when allocating physical pages (VERR_NO_MEMORY)",
    ),
    # VirtualBox's own server.
    KnownFailure(
        "SETTINGS_BROKEN",
        r"VirtualBox\.xml|Start tag expected",
        "VirtualBox's own settings file, VirtualBox.xml, is damaged",
        "Close the VirtualBox window, and put VirtualBox.xml-prev, beside it, in its place; keep "
        "the damaged one.",
        HypervisorError,
        example="Start tag expected, '<' not found. Location: '.../VirtualBox.xml'",
        seen="measured on VirtualBox 7.2",
    ),
    KnownFailure(
        "SERVER_SOCKET",
        r"0xc1f30200|NS_ERROR_SOCKET_FAIL",
        "VirtualBox's server cannot be started or spoken to",
        "Make VirtualBox's folder of settings (~/.config/VirtualBox, VBOX_USER_HOME) and /tmp "
        "writable for you.",
        HypervisorError,
        ("linux", "darwin"),
        is_guess=True,
        example="IPC daemon socket error (NS_ERROR_SOCKET_FAIL)",
        seen="measured on VirtualBox 7.2",
    ),
    KnownFailure(
        "COM_EXEC",
        r"0x80080005|-2146959355|CO_E_SERVER_EXEC_FAILURE",
        "VirtualBox's server was just starting or ending, or Windows starts it in another way "
        "than you run",
        "Run the command again. If it stays: end VBoxSVC.exe in the Task Manager, and take "
        "'compatibility mode' and 'run as administrator' off VirtualBox's programs.",
        HypervisorError,
        WINDOWS,
        is_guess=True,
        example="Failed to create the VirtualBox object! CO_E_SERVER_EXEC_FAILURE (0x80080005)",
        seen="hashicorp/vagrant#1622, #2607",
    ),
    KnownFailure(
        "COM_NOT_REGISTERED",
        r"0x80040154|-2147221164|REGDB_E_CLASSNOTREG|0x80004002|-2147467262|E_NOINTERFACE",
        "VirtualBox is not registered in Windows: not installed, half removed, or of another "
        "bitness than this Python",
        "Run VirtualBox's installer again and choose Repair; take a 64-bit Python on a 64-bit "
        "Windows.",
        HypervisorError,
        WINDOWS,
        example="Class not registered (0x80040154, REGDB_E_CLASSNOTREG)",
        seen="onlyfang/VBoxVmService#80, hashicorp/vagrant#8139",
    ),
    KnownFailure(
        "BINDING_NO_PYWIN32",
        r"No module named '?(win32com|pythoncom|pywintypes|win32api)",
        "Python's bridge to Windows programs, pywin32, is not installed",
        "pip install pywin32 (on Python 3.8: pip install pywin32==311)",
        HypervisorError,
        WINDOWS,
        example="No module named 'win32com'",
        seen="sethmlarson/virtualbox-python#43",
    ),
    KnownFailure(
        "BINDING_PYTHON",
        r"Cannot find VBoxPython module|No module named '?xpcom\b",
        "this VirtualBox has no support for this version of Python",
        "Run boot2docker with the system's own Python (python3 -m venv), or install VirtualBox 7.",
        HypervisorError,
        ("linux", "darwin"),
        example="Cannot find VBoxPython module (tried: VBoxPython3_14, VBoxPython3, VBoxPython)",
        seen="sethmlarson/virtualbox-python#36, #104; measured on VirtualBox 6.1",
    ),
    KnownFailure(
        "WINDOWS_ACCESS",
        r"0x80070005|-2147024891",
        "one of VirtualBox and boot2docker runs as administrator and the other does not, or "
        "another user's VirtualBox is meant",
        "Run both in the same way, best without administrator rights, and try again after "
        "VirtualBox has ended.",
        HypervisorError,
        WINDOWS,
        is_guess=True,
        example="E_ACCESSDENIED (0x80070005)",
        seen="docker-archive-public/docker.machine#3732, #4475",
    ),
)
