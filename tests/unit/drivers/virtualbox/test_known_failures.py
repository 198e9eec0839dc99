"""Words of VirtualBox as users met them, and the diagnosis; and words that are nearly those."""

from __future__ import annotations

import pytest

from boot2docker_py.advice import diagnose
from boot2docker_py.drivers.virtualbox.binding.known_failures import TABLE

IDS = {row.id: row for row in TABLE}

# id, platform, words that are of it, words that are not (and are of nothing, or of another).
CORPUS = [
    (
        "VTX_BIOS",
        "win32",
        "Not in a hypervisor partition (HVP=0) (VERR_NEM_NOT_AVAILABLE). VT-x is disabled in the "
        "BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED).",
        "HM: HMR3Init: VT-x w/ nested paging and unrestricted guest execution hw support",
    ),
    (
        "SVM_BIOS",
        "linux",
        "Power up failed (vrc=VERR_SVM_DISABLED, rc=NS_ERROR_FAILURE (0X80004005))",
        "VERR_SVM_UNABLE_TO_START_VM",
    ),
    (
        "VTX_IN_USE_LINUX",
        "linux",
        "VT-x is being used by another hypervisor (VERR_VMX_IN_VMX_ROOT_MODE). VirtualBox can't "
        "operate in VMX root mode. Please disable the KVM kernel extension, recompile your kernel "
        "and reboot (VERR_VMX_IN_VMX_ROOT_MODE)",
        "VERR_VMX_INVALID_VMXON_PTR",
    ),
    (
        "VTX_IN_USE",
        "win32",
        "AMD-V setup failed: VERR_SVM_IN_USE (VERR_SVM_IN_USE). VirtualBox can't enable the AMD-V "
        "extension. Please close all other virtualization programs. (VERR_SVM_IN_USE).",
        "VERR_RESOURCE_IN_USE",
    ),
    (
        "VTX_HYPERV",
        "win32",
        "Raw-mode is unavailable courtesy of Hyper-V. (VERR_SUPDRV_NO_RAW_MODE_HYPER_V_ROOT)",
        "GIM: Using provider 'Hyper-V'",
    ),
    (
        "VTX_HYPERV",
        "win32",
        "Call to WHvSetupPartition failed: ERROR_SUCCESS (Last=0xc000000d/87) "
        "(VERR_NEM_VM_CREATE_FAILED)",
        "NEM: WHvCapabilityCodeFeatures = 0x1",
    ),
    (
        "VTX_HYPERV",
        "win32",
        "VMMR0_DO_NEM_INIT_VM failed: VERR_NEM_MISSING_KERNEL_API (VERR_NEM_MISSING_KERNEL_API). "
        "VT-x is not available (VERR_VMX_NO_VMX).",
        "NEM: Adjusting APIC configuration from X2APIC to APIC max mode.",
    ),
    (
        "VTX_NONE_WINDOWS",
        "win32",
        "VT-x is not available (VERR_VMX_NO_VMX)",
        "VT-x is available",
    ),
    (
        "VTX_NONE",
        "linux",
        "AMD-V is not available (VERR_SVM_NO_SVM)",
        "HM: HMR3Init: Attempting fall back to NEM: AMD-V is not available",
    ),
    (
        "VBOX_DRIVER_LINUX",
        "linux",
        "Kernel driver not installed (rc=-1908) ... where: suplibOsInit what: 3 "
        "VERR_VM_DRIVER_NOT_INSTALLED (-1908) - The support driver is not installed. On linux, "
        "open returned ENOENT.",
        "VMMR0 loaded from VBoxDrv",
    ),
    (
        "VBOX_DRIVER_LINUX",
        "linux",
        "The character device /dev/vboxdrv does not exist.",
        "The character device /dev/vboxuser does not exist.",
    ),
    (
        "VBOX_DRIVER_WINDOWS",
        "win32",
        "where: supR3HardNtChildWaitFor what: 5 VERR_VM_DRIVER_NOT_INSTALLED (-1908)",
        "VERR_VM_FATAL_WAIT_ERROR",
    ),
    (
        "VBOX_DRIVER_MACOS",
        "darwin",
        "Kernel driver not installed (rc=-1908)\nMake sure the kernel module has been loaded "
        "successfully.",
        "Unable to load R3 module (rc=-1907)",
    ),
    (
        "VBOX_HARDENING",
        "win32",
        "The virtual machine 'minikube' has terminated unexpectedly during startup with exit code "
        "1 (0x1).  More details may be available in "
        r"'C:\Users\x\minikube\Logs\VBoxHardening.log' (0x80004005)",
        "The virtual machine 'minikube' has terminated unexpectedly during startup because of "
        "signal 6",
    ),
    (
        "VBOX_HARDENING",
        "win32",
        "supR3HardenedWinReSpawn: Error -5640",
        "hardened",
    ),
    (
        "NET_FLT_NOT_FOUND_WINDOWS",
        "win32",
        "Failed to open/create the internal network 'HostInterfaceNetworking-VirtualBox Host-Only "
        "Ethernet Adapter #2' (VERR_INTNET_FLT_IF_NOT_FOUND). Failed to attach the network LUN "
        "(VERR_INTNET_FLT_IF_NOT_FOUND)",
        "IntNet#0: szNetwork={HostInterfaceNetworking-VirtualBox Host-Only Ethernet Adapter #2}",
    ),
    (
        "NET_FLT_NOT_FOUND",
        "linux",
        "Failed to open/create the internal network 'HostInterfaceNetworking-vboxnet0' "
        "(VERR_INTNET_FLT_IF_NOT_FOUND).",
        "Nonexistent host networking interface, name 'vboxnet0' (VERR_INTERNAL_ERROR)",
    ),
    (
        "NET_FLT_NOT_FOUND",
        "darwin",
        "failed to open /dev/vboxnetctl: No such file or directory",
        "failed to open /dev/vmnet: No such file or directory",
    ),
    (
        "NET_ADAPTER_CREATE",
        "win32",
        "Failed to create the host-only adapter. Assertion failed: [!aInterfaceName.isEmpty()] at "
        r"'F:\tinderbox\win-5.2\src\VBox\Main\src-server\HostNetworkInterfaceImpl.cpp' (76)",
        "Creating a new host-only adapter",
    ),
    (
        "NET_CIDR_DENIED",
        "linux",
        'Code E_ACCESSDENIED (0x80070005) - Access denied. Context: "EnableStaticIPConfig('
        'Bstr(pszIp).raw(), Bstr(pszNetmask).raw())": 0x80070005',
        'Context: "EnableDynamicIPConfig()"',
    ),
    (
        "VM_SAVED_INVALID",
        "linux",
        "The saved state file '/x/2015-03-04T20-09-03-681588000Z.sav' is invalid "
        "(VERR_SSM_INTEGRITY_FOOTER). Delete the saved state and try again (0x80bb0004)",
        "The machine is in state Saved",
    ),
    (
        "VM_SAVED_INVALID",
        "win32",
        "Failed to load unit 'cpum' (VERR_CPUM_INVALID_XCR0).",
        "CPUM: loaded",
    ),
    (
        "VM_LOCKED",
        "linux",
        "The machine 'b2d3' is already locked for a session (or being unlocked) (0x80bb0007)",
        "The machine 'b2d3' is locked no more",
    ),
    (
        "VM_NOT_MUTABLE",
        "darwin",
        "The machine is not mutable (state is Saved) (0x80bb0002)",
        "The machine is mutable",
    ),
    (
        "VM_INACCESSIBLE",
        "linux",
        "Machine UUID {1} in '/x/default.vbox' doesn't match its UUID {2} in the registry file",
        "Could not find a registered machine named 'default'",
    ),
    (
        "DISK_UUID_KNOWN",
        "linux",
        "Cannot register the hard disk '/x/disk.vmdk' {1} because a hard disk '/y/disk.vmdk' with "
        "UUID {1} already exists",
        "Cannot register the DVD image '/x/a.iso'",
    ),
    (
        "ISO_BAD",
        "win32",
        r"Could not get the storage format of the medium 'C:\Users\x\boot2docker.iso' "
        "(VERR_NOT_SUPPORTED) (0x80bb000d)",
        "NamedPipe#0 failed to bind to local socket (VERR_NOT_SUPPORTED)",
    ),
    (
        "DISK_BAD",
        "linux",
        "Could not open the medium '/x/vm.vmdk'.\nVMDK: descriptor does not start as expected in "
        "'/x/vm.vmdk' (VERR_VD_VMDK_INVALID_HEADER).",
        "Could not find an open hard disk with location '/x/vm.vmdk'",
    ),
    (
        "HOST_DISK_FULL",
        "linux",
        "Could not create the storage unit '/x/disk.vmdk'. VMDK: cannot write (VERR_DISK_FULL)",
        "VERR_DISK_INVALID_FORMAT",
    ),
    (
        "HOST_MEMORY",
        "linux",
        "Out of memory condition when allocating physical pages (VERR_NO_MEMORY)",
        "Guest memory: 2048 MB",
    ),
    (
        "SETTINGS_BROKEN",
        "linux",
        "0x80004005 (Start tag expected, '<' not found. Location: '/x/VirtualBox.xml', line 1)",
        "Could not find file for the medium '/x/disk.vmdk'",
    ),
    (
        "SERVER_SOCKET",
        "linux",
        "0xc1f30200 (IPC daemon socket error (NS_ERROR_SOCKET_FAIL))",
        "0x80004005 (NS_ERROR_FAILURE)",
    ),
    (
        "COM_EXEC",
        "win32",
        "(-2146959355, 'Server execution failed', None, None)",
        "(-2147352567, 'Exception occurred.', None, None)",
    ),
    (
        "COM_NOT_REGISTERED",
        "win32",
        "(-2147221164, 'Class not registered', None, None)",
        "(-2147221005, 'Invalid class string', None, None)",
    ),
    ("BINDING_NO_PYWIN32", "win32", "No module named 'win32com'", "No module named 'winreg'"),
    (
        "BINDING_PYTHON",
        "linux",
        "Cannot find VBoxPython module (tried: VBoxPython3_14, VBoxPython3, VBoxPython)",
        "No module named 'xpcombustion'",
    ),
    (
        "WINDOWS_ACCESS",
        "win32",
        "(-2147024891, 'Access is denied.', None, None)",
        "(-2147024893, 'Path not found.', None, None)",
    ),
]


@pytest.mark.parametrize(("known", "platform", "words", "near"), CORPUS)
def test_words_as_users_met_them(known: str, platform: str, words: str, near: str) -> None:
    assert [row.id for row in diagnose(TABLE, [words], platform)][0] == known


@pytest.mark.parametrize(("known", "platform", "words", "near"), CORPUS)
def test_words_that_are_nearly_those(known: str, platform: str, words: str, near: str) -> None:
    assert known not in [row.id for row in diagnose(TABLE, [near], platform)]


def test_every_row_is_in_the_corpus_and_is_whole() -> None:
    assert {known for known, *_ in CORPUS} == set(IDS)
    assert len(IDS) == len(TABLE)
    for row in TABLE:
        assert row.meaning[0].islower() or row.meaning.startswith(
            ("VirtualBox", "KVM", "Python", "Windows", "Hyper-V", "macOS")
        ), row.id
        assert row.meaning[-1] not in ".:"
        assert row.example
        platform = row.platforms[0] if row.platforms else "linux"
        assert row.matches(row.example, platform), row.id


def test_a_row_of_one_platform_says_nothing_on_another() -> None:
    words = "Raw-mode is unavailable courtesy of Hyper-V. (VERR_SUPDRV_NO_RAW_MODE_HYPER_V_ROOT)"
    assert diagnose(TABLE, [words], "linux") == []


def test_what_the_api_says_counts_more_than_the_log() -> None:
    found = diagnose(TABLE, ["VERR_SSM_LOADED_TOO_MUCH", "VERR_NO_MEMORY"], "linux")
    assert [row.id for row in found] == ["VM_SAVED_INVALID", "HOST_MEMORY"]


def test_a_guess_is_worded_as_one() -> None:
    assert IDS["VTX_NONE"].diagnosis.startswith("probably, ")
    assert not IDS["VTX_BIOS"].diagnosis.startswith("probably")
