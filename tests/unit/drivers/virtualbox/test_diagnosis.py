"""Why a VM does not start, from the words of the API and from its logs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boot2docker_py.drivers.virtualbox.binding import failures
from boot2docker_py.drivers.virtualbox.vm import diagnosis
from boot2docker_py.errors import (
    BusyError,
    HypervisorEndedError,
    HypervisorError,
    NetworkError,
    StorageError,
    WrongStateError,
)

# From hashicorp/vagrant#12237, shortened.
HARDENING_LOG = r"""700.3c1c: Log file opened: 6.1.18r142142 g_hStartupLog=00000000000000a4
700.3c1c: \SystemRoot\System32\ntdll.dll:
700.3c1c:     ProductName:     Microsoft® Windows® Operating System
700.3c1c: supR3HardenedWinFindAdversaries: 0x40000
700.3c1c: \SystemRoot\System32\drivers\SophosED.sys:
700.3c1c:     CreationTime:    2021-02-11T02:17:08.957723300Z
700.3c1c:     ProductName:     Sophos Endpoint Defense
700.3c1c:     ProductVersion:  2.2.4
700.3c1c: supR3HardenedWinInitAppBin(0x0): '\Device\HarddiskVolume4\Program Files\VirtualBox'
700.3c1c: \Device\HarddiskVolume4\other.dll:
700.3c1c:     ProductName:     Something else
"""

TERMINATED = (
    "The virtual machine 'default' has terminated unexpectedly during startup with exit code 1 "
    r"(0x1).  More details may be available in 'C:\x\Logs\VBoxHardening.log' (0x80004005)"
)

# From docker-archive-public/docker.machine#2559, shortened.
VBOX_LOG = r"""00:00:01.865545 AHCI: Port29: No driver attached
00:00:01.917193 IntNet#0: szNetwork={HostInterfaceNetworking-VirtualBox Host-Only Adapter #2}
00:00:01.917247 VMSetError: F:\win-5.0\DrvIntNet.cpp(1753); rc=VERR_INTNET_FLT_IF_NOT_FOUND
00:00:01.917510 VMSetError: Failed to open/create the internal network 'HostInterfaceNetworking'
00:00:01.924300 NAT: zone(nm:mbuf_packet, used:0)
00:00:02.000000 Console: Machine state changed to 'PoweredOff'
"""


def start_error(
    words: str, logs: Path, platform: str = "win32", began_s: float = 0.0
) -> HypervisorError:
    return diagnosis.of_failed_start("vm", words, logs, began_s, platform)  # type: ignore[return-value]


def test_the_words_of_the_api_are_enough(tmp_path: Path) -> None:
    error = start_error("VT-x is not available (VERR_VMX_NO_VMX) (0x80004005)", tmp_path, "linux")
    assert isinstance(error, HypervisorError)
    assert error.brief.startswith("VirtualBox does not start the VM 'vm': probably, ")
    assert "VERR_VMX_NO_VMX" in error.details
    assert "nested virtualisation" in error.resolution
    assert str(tmp_path) in error.resolution


def test_the_log_says_what_the_api_does_not(tmp_path: Path) -> None:
    (tmp_path / "VBox.log").write_text(VBOX_LOG)
    error = start_error("The VM session was aborted (0x80004005)", tmp_path)
    assert isinstance(error, NetworkError)
    assert error.exit_status == 7
    assert "NDIS6" in error.resolution
    assert error.details.endswith("Machine state changed to 'PoweredOff'")


def test_codes_that_harm_nothing_are_not_taken_from_the_log(tmp_path: Path) -> None:
    log = "00:00:01.0 HM: fallback considered: VERR_VMX_NO_VMX\n00:00:01.1 VMSetError: odd\n"
    (tmp_path / "VBox.log").write_text(log)
    error = start_error("it does not start (0x80004005)", tmp_path, "linux")
    assert error.brief == "VirtualBox does not start the VM 'vm'"
    assert error.resolution == f"See {tmp_path}."


def test_the_log_of_an_earlier_start_says_nothing(tmp_path: Path) -> None:
    log = tmp_path / "VBox.log"
    log.write_text(VBOX_LOG)
    os.utime(log, (1000, 1000))
    error = start_error("it does not start (0x80004005)", tmp_path, began_s=2000.0)
    assert type(error) is HypervisorError
    assert "PoweredOff" not in error.details


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "VBox.log"
    log.write_text(VBOX_LOG + "00:00:03.0 nothing\n" * (diagnosis.READ_BYTES // 10))
    assert len(diagnosis.end_of(log, 0.0)) == diagnosis.READ_BYTES
    assert type(start_error("it does not start", tmp_path)) is HypervisorError


def test_the_product_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "VBoxHardening.log").write_text(HARDENING_LOG, encoding="utf-8")
    error = start_error(TERMINATED, tmp_path)
    assert error.resolution.startswith("It names Sophos Endpoint Defense. ")
    assert error.exit_status == 6


def test_no_product_is_named_when_the_log_names_none(tmp_path: Path) -> None:
    clean = HARDENING_LOG.replace("0x40000", "0x0")
    (tmp_path / "VBoxHardening.log").write_text(clean, encoding="utf-8")
    assert "names" not in start_error(TERMINATED, tmp_path).resolution


def test_a_file_is_named_when_its_product_is_not() -> None:
    log = "\n".join(line for line in HARDENING_LOG.splitlines() if "Sophos Endp" not in line)
    assert diagnosis.adversaries(log) == ["SophosED.sys"]


@pytest.mark.parametrize(
    ("result_code", "text", "kind", "status"),
    [
        (0x80BB0007, "The given session is busy", BusyError, 10),
        (0x80004005, "cannot write (VERR_DISK_FULL)", StorageError, 1),
        (0x80BB0002, "The machine is not mutable (state is Saved)", failures.APIError, 4),
        (0x80004005, "Failed to create the host-only adapter", failures.APIError, 7),
        (0x80004005, "AMD-V is not available (VERR_SVM_NO_SVM)", failures.APIError, 6),
        (0x80004004, "Operation aborted (NS_ERROR_ABORT)", HypervisorEndedError, 6),
    ],
)
def test_failures_of_the_api_have_advice_and_a_status(
    result_code: int, text: str, kind: type[HypervisorError], status: int
) -> None:
    error = failures.error_of(result_code, text, "linux")
    assert type(error) is kind
    assert error.exit_status == error.as_dict()["exit_status"] == status
    assert error.resolution
    assert text in error.details


def test_the_code_of_an_advised_failure_is_that_of_its_status() -> None:
    error = failures.error_of(0x80BB0002, "The machine is not mutable (state is Saved)")
    assert error.code == WrongStateError.code


def test_an_unknown_failure_is_told_in_virtualboxs_words() -> None:
    error = failures.error_of(0x80004005, "something new")
    assert isinstance(error, failures.APIError)
    assert (error.brief, error.details) == (
        "VirtualBox refuses",
        "something new (0x80004005)",
    )
    assert (error.resolution, error.exit_status) == ("", 6)


@pytest.mark.parametrize(
    ("words", "platform", "advice"),
    [
        ("No module named 'win32com'", "win32", "pip install pywin32"),
        ("No module named 'vboxapi'", "linux", ""),
        ("0xc1f30200 (IPC daemon socket error (NS_ERROR_SOCKET_FAIL))", "linux", "writable"),
    ],
)
def test_a_binding_that_fails_is_advised(words: str, platform: str, advice: str) -> None:
    found = failures.advice(words, platform)
    assert advice in found
    assert bool(found) == bool(advice)
