"""Which tests a Python of Windows does not run here, and why: one list, by parts of their names.

`ON_WINDOWS` says what Windows itself has not; `OF_WINE` what it has, and Wine 8 lacks or does in
another way. They are left out, not skipped: so that a skip is a failure in CI there, too.
"""

from __future__ import annotations

from collections import Counter
from typing import Dict, Sequence

import pytest

NO_SHELL = "runs sh, bash, fish, openssl or another program of POSIX"
NO_MODES = "Windows has no mode bits"
NO_SUCH_NAMES = "Windows takes no such name for a file"
NO_SIGNALS = "Windows has no such signals"
NO_PROC = "asks /proc"
NO_UNIX_SOCKETS = "is about Unix sockets of this machine"
PATHS = "is about paths of POSIX; those of Windows have tests of their own"
LF = "writes a file as text, whose lines end with CR LF there, and compares bytes"
GUEST_IS_ELSEWHERE = "takes the files of this machine for those of the guest"
NO_OWNER = "the owner of a port is process 0"
NO_XDG = "sets XDG_DATA_HOME; Windows' place for data is not named by a variable"
NO_LIMIT = "Windows has no limit of descriptors to be run into"
HELD_LOCK = "the file of a lock stays, for it cannot be removed while somebody has it open"
NO_XPCOM = "VirtualBox speaks COM there, whose errors have another form"
NO_LINKS = "links look like what they name"
LEFT_TO_A_DEBUGGER = "a process that is killed can fault, and stays for a debugger"

LONGEST_NAME = 30_000  # a variable of Windows holds 32,767 characters

ON_WINDOWS: dict[str, str] = {
    "cli/test_advice.py": "types what is advised as sh reads it",
    "cli/test_cli.py::TestProcess::test_an_error_that_cannot_be_written": NO_SHELL,
    "cli/test_narrow_screens.py": "is about words, which are the same",
    "cli/test_second_try.py::test_closed_streams": NO_SHELL,
    "config/test_shares.py::test_a_variable_names_several": PATHS,
    "config/test_shares.py::test_what_cannot_be_shared_is_refused_with_the_reason[value5": PATHS,
    "config/test_shares.py::test_the_profile_keeps_a_list": PATHS,
    "docker/test_certificates.py::TestEngineWithGoodCertificates": NO_SHELL,
    "docker/test_certificates.py::test_other_address_and_near_end": NO_SHELL,
    "docker/test_contexts.py::TestSettings::test_other_settings_and_rights": NO_MODES,
    'it\'s "my" K': NO_SUCH_NAMES,
    "docker/test_foreign_certificates.py": NO_SHELL,
    "docker/test_shells.py::TestCommands::test_shell_": NO_SHELL,
    "docker/test_shells.py::TestRealShells": NO_SHELL,
    "drivers/qemu/test_acceleration.py::test_a_cpu_that": NO_SHELL,
    "drivers/qemu/test_acceleration.py::test_a_trial_ends_with": NO_SHELL,
    "drivers/qemu/test_acceleration.py::test_emulation_says": NO_SHELL,
    "drivers/qemu/test_command_line.py::test_the_environment_may_name": NO_MODES,
    "drivers/qemu/test_command_line.py::test_a_share_has_a_tag": PATHS,
    "drivers/qemu/test_files.py::test_a_write_that_fails": NO_SIGNALS,
    "drivers/qemu/test_files.py::test_settings_come_back": PATHS,
    "drivers/qemu/test_ports.py::test_only_a_taken_port": PATHS,
    "drivers/virtualbox::-XPCOM]": NO_XPCOM,
    "drivers/virtualbox/test_pyvbox.py::test_what_is_touched_of_the_inside": NO_XPCOM,
    "drivers/virtualbox/test_loading.py::test_the_glue_is_told_where": PATHS,
    "guest/test_terminal.py": "is about a terminal of POSIX; tests/windows/whole has a console's",
    "cli/test_docker_command.py::TestShell": NO_SHELL,
    "cli/test_docker_command.py::test_the_line_is_read": NO_SHELL,
    "endpoint/ports/test_many_ports.py": NO_LIMIT,
    "endpoint/ports/test_publisher.py::test_connections_to_a_port_leave": NO_PROC,
    "endpoint/ports/test_udp.py::TestThroughTheGuest": GUEST_IS_ELSEWHERE,
    "endpoint/test_control.py": NO_UNIX_SOCKETS,
    "guest/copy/test_copier.py": GUEST_IS_ELSEWHERE,
    "guest/copy/test_engine_image.py": GUEST_IS_ELSEWHERE,
    "guest/test_clock.py::shell": NO_SHELL,
    "guest/test_engine_state.py::test_a_script_that_runs": NO_PROC,
    "guest/test_seed.py": NO_SHELL,
    "guest/test_shared_folders.py::test_a_link": NO_LINKS,
    "guest/test_ssh_config.py": NO_SHELL,
    "host/test_file_problem.py::test_our_own_without_rights": NO_MODES,
    "machine/test_states.py::test_cell[shell": NO_SHELL,
    "machine/test_states.py::test_table_is_whole": "counts the cells, of which some are left out",
    "unit/test_architecture.py": "reads the source, which is the same",
    "endpoint/relay/test_relay.py::[pipe]": "a stand-in for pipes, whose place real ones take",
    "endpoint/relay/test_relay.py::test_short_connections_leave": NO_PROC,
    "ssh/test_keys.py::test_processes_that_make_the_pair": LF,
    "unit/test_listening.py::test_a_thread_that_is_left": "closing a listener wakes who accepts",
    "unit/test_lock.py::test_second_is_told": LF,
    "unit/test_lock.py::test_killed_holder": LF,
    "unit/test_paths.py::test_a_new_folder_of_that_name": NO_XDG,
    "unit/test_paths.py::test_a_vm_in_another_home": NO_XDG,
    "unit/test_paths.py::test_otherwise_the_operating_system": NO_XDG,
    "unit/test_paths.py::test_socket_names_fit": NO_UNIX_SOCKETS,
    "unit/test_paths.py::test_private_folder": NO_MODES,
    "unit/test_paths.py::test_folder_of_somebody_else": NO_MODES,
    "unit/test_paths.py::test_home_of_everybody": NO_MODES,
    "endpoint/test_forwarder.py::test_killed_forwarder": NO_UNIX_SOCKETS,
    "endpoint/test_forwarder.py::test_forwarder_ends_when_its": "an open file keeps its folder",
    "endpoint/test_forwarder.py::test_status_and_start_of_the_forwarder": LF,
    "endpoint/test_forwarder.py::test_sockets_are_open_to_the_user_alone": NO_MODES,
    "endpoint/test_forwarder.py::test_forwarder_that_hangs": NO_SIGNALS,
    "endpoint/test_forwarder.py::test_forwarder_has_many_clients": NO_PROC,
    "endpoint/test_forwarder.py::test_slow_readers": NO_PROC,
    "endpoint/test_forwarder.py::test_forwarder_outlives_the_terminal": NO_SIGNALS,
    "endpoint/test_forwarder.py::test_forwarder_that_cannot_start": NO_UNIX_SOCKETS,
    "endpoint/test_forwarder_log.py::test_log_is_readable_for_the_user_alone": NO_MODES,
    "endpoint/test_survival.py::test_connections_leave_no": NO_PROC,
    "endpoint/test_survival.py::test_forwarder_in_the_foreground": NO_SIGNALS,
    "endpoint/relay/test_listeners.py": NO_UNIX_SOCKETS,
    "endpoint/way/test_guest_clock.py": NO_SIGNALS,
    "image/fetching/test_disk_full.py": "mounts a file system",
    "image/fetching/test_resume.py::test_a_killed_download": NO_SIGNALS,
    "machine/test_doctor.py::test_all_is_well": NO_SHELL,
    "machine/test_doctor.py::test_screen_of_80_columns": NO_SHELL,
    "machine/test_copies.py::TestClone::test_one_that_fails": HELD_LOCK,
    "machine/test_copies.py::TestFiles::test_something_else": HELD_LOCK,
    "machine/test_doctor.py::TestClient::test_it_is": NO_SHELL,
    "machine/test_doctor.py::TestFirstHour::test_plugins": NO_SHELL,
    "machine/test_doctor.py::TestTLS": NO_SHELL,
    "machine/test_doctor_fix.py::test_rights_on": NO_MODES,
    "machine/test_doctor.py::TestProxy": "names of variables are the same in either case",
    "machine/test_set.py::test_what_was_set": PATHS,
    "machine/test_logs.py::test_following_ends_by_interrupt": NO_SIGNALS,
    "machine/test_logs.py::test_keeps_no_file_open": NO_PROC,
    "machine/test_logs.py::TestInGuest": NO_SHELL,
    "machine/test_logs.py::test_forwarders_log_needs_no_vm": LF,
    "ssh/test_connection.py::test_the_users_own_ssh_settings": NO_UNIX_SOCKETS,
    "ssh/test_connection.py::test_an_rsa_key": NO_SHELL,
    "ssh/test_keys.py::test_a_missing_pair_is_made_private": NO_MODES,
    "ssh/test_keys.py::test_an_open_umask": NO_MODES,
    "unit/test_listening.py::test_a_forwarder_that_ends": NO_PROC,
}

OF_WINE: dict[str, str] = {
    "docker/test_contexts.py::TestSettings::test_link_to_the_settings": NO_LINKS,
    "host/test_bound_program.py::test_it_ends_with_a_process_that_is_killed": LEFT_TO_A_DEBUGGER,
    "host/test_bound_program.py::test_it_ends_with_the_block": LEFT_TO_A_DEBUGGER,
    "image/test_images.py::test_a_link_to_the_source": NO_LINKS,
    "fetching/test_trust.py::test_a_file_for_openssl": "Linux's certificates are Windows' too",
    "test_packets.py::test_nobody_is_there": "a closed peer is told late",
    "test_buffered_socket.py::test_who_waits_for_bytes": "`shutdown` wakes no `select`",
    "endpoint/ports/test_publisher.py::test_a_taken_port_is_reported": NO_OWNER,
    "endpoint/ports/test_publisher.py::test_port_of_two_vms": NO_OWNER,
    "endpoint/ports/test_publisher.py::test_port_published_at_an_ipv6": "has no ::2 or the like",
    "endpoint/ports/test_published.py": NO_OWNER,
}


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests of the list away, and remember how many there were for each reason."""
    kept: list[pytest.Item] = []
    counts: Counter[str] = Counter()
    for item in items:
        reason = _why_not(item.nodeid) or _why_skipped(item)
        if reason:
            counts[reason] += 1
        else:
            kept.append(item)
    config.stash[LEFT_OUT] = counts
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


LEFT_OUT = pytest.StashKey[Dict[str, int]]()


def report(config: pytest.Config) -> Sequence[str]:
    """Return how many tests were left out, by reasons."""
    counts = config.stash.get(LEFT_OUT, {})
    return [f"{count} left out on Windows here: {reason}" for reason, count in counts.items()]


def _why_skipped(item: pytest.Item) -> str:
    """Return why a test is skipped, if that is known before it runs."""
    marks = [mark for mark in item.iter_markers("skipif") if mark.args and mark.args[0]]
    return str(marks[0].kwargs.get("reason", "")) if marks else ""


def _why_not(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return "its name does not fit into a variable"
    for prefix, limits in (("", ON_WINDOWS), ("Wine: ", OF_WINE)):
        for part, reason in limits.items():
            if all(piece in name for piece in part.split("::")):
                return prefix + reason
    return ""
