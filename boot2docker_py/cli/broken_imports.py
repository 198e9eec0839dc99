"""A library of Python's that does not load: what that means, at the boundary where errors end."""

from __future__ import annotations

from boot2docker_py.advice import KnownFailure, diagnose
from boot2docker_py.errors import Boot2DockerError

TABLE = (
    KnownFailure(
        "PY_DLL_OLD_WINDOWS",
        r"DLL load failed while importing (_rust|_bcrypt)\b",
        "the installed cryptography or bcrypt is too new for this Windows or this Python",
        'On Windows 7: python -m pip install "cryptography>=42.0.7,<42.0.9" "bcrypt<=4.1.2" '
        '"paramiko<4" (docs/constraints-windows7.txt has them all). With Python 3.9.0 or 3.9.1: '
        "install a later 3.9.",
        Boot2DockerError,
        is_guess=True,
        example="ImportError: DLL load failed while importing _rust: The specified procedure could "
        "not be found.",
        seen="pyca/cryptography#10944, pyca/bcrypt#835",
    ),
    KnownFailure(
        "PY_DLL",
        r"DLL load failed",
        "a library of Python's lacks a part of Windows, or is of another bitness",
        "Install Microsoft's Visual C++ runtime, then: "
        "python -m pip install --force-reinstall boot2docker-py",
        Boot2DockerError,
        is_guess=True,
        example="ImportError: DLL load failed while importing _sodium: The specified module could "
        "not be found.",
        seen="pyca/bcrypt#186",
    ),
    KnownFailure(
        "PY_MISSING",
        r"No module named '(click|paramiko|cryptography|bcrypt|nacl|requests|urllib3|platformdirs"
        r"|tomli)\b",
        "a library that boot2docker needs is not installed in this Python",
        "python -m pip install --force-reinstall boot2docker-py",
        Boot2DockerError,
        example="ModuleNotFoundError: No module named 'paramiko'",
    ),
)


def explained(problem: ImportError) -> Boot2DockerError | None:
    """Return the error for a library that does not load; None when it is a defect of ours."""
    found = diagnose(TABLE, [str(problem)], platform="")
    if not found:
        return None
    known = found[0]
    return known.kind(
        f"Python cannot load a library: {known.diagnosis}",
        details=str(problem),
        resolution=known.advice,
    )
