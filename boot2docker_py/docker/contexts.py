"""The docker context of one VM, in the docker client's own store, with or without a client."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path
from typing import Mapping

from boot2docker_py.docker.config import DEFAULT_CONTEXT, DockerConfig, read_object, write_object
from boot2docker_py.errors import StorageError, WrongStateError
from boot2docker_py.paths import USUAL_VM, VMPaths

CONTEXT_NAME = "boot2docker"

# Docker keeps what it does not know in a context's metadata; by this we know our own.
MARK = "Boot2DockerVM"


class Context:
    """The docker context of one VM."""

    def __init__(self, config: DockerConfig, vm: VMPaths) -> None:
        self.name = context_name(vm.name)
        self._config = config
        self._vm = vm

    @property
    def _file(self) -> Path:
        # docker/cli cli/context/store/metadatastore.go: the folder is the SHA-256 of the name.
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return self._config.contexts / "meta" / digest / "meta.json"

    def publish(self, docker_host: str) -> bool:
        """Make the context lead to `docker_host`; tell whether it is a new one.

        Raises:
            WrongStateError: a context of this name is not ours; it is left as it is.
            ConfigError: what is in its place cannot be read; it is left as it is.
            StorageError: it cannot be written.
        """
        found = read_object(self._file)
        if found and not self._is_ours(found):
            raise WrongStateError(
                f"the docker context '{self.name}' is not one of this VM, and is left as it is",
                resolution=f"docker context rm {self.name}",
            )
        wanted = {
            "Name": self.name,
            "Metadata": {
                "Description": f"Docker Engine in the VM '{self._vm.name}' of boot2docker",
                MARK: str(self._vm.folder),
            },
            "Endpoints": {"docker": {"Host": docker_host, "SkipTLSVerify": False}},
        }
        if found != wanted:
            write_object(self._file, wanted)
        return not found

    def leads_to(self) -> str:
        """Return the engine that the context of this name leads to, empty when there is none.

        Raises:
            ConfigError: the context cannot be read.
        """
        endpoints = read_object(self._file).get("Endpoints")
        docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
        return str(docker.get("Host", "")) if isinstance(docker, dict) else ""

    def rename(self, new: Context, docker_host: str) -> None:
        """Let `new` be what this context is, and this one not be there; chosen, if this one was.

        Does nothing when this one is not there, or is not ours.

        Raises:
            WrongStateError, ConfigError, StorageError: as `publish`, `use` and `remove`.
        """
        found = read_object(self._file)
        if not found or not self._is_ours(found):
            return
        new.publish(docker_host)
        if self._config.current_context() == self.name:
            new.use()
        self.remove()

    def use(self) -> None:
        """Make docker use this context in every shell where nothing else is chosen.

        Raises:
            ConfigError: docker's settings cannot be read; they are left as they are.
            StorageError: they cannot be written.
        """
        if self._config.current_context() != self.name:
            self._config.set_current_context(self.name)

    def is_used(self, environ: Mapping[str, str]) -> bool:
        """Tell whether docker uses this context in the environment given.

        Raises:
            ConfigError: docker's settings cannot be read.
        """
        return self._config.choice(environ).context == self.name

    def is_free_to_use(self, environ: Mapping[str, str], default_engine: Path | None) -> bool:
        """Tell whether the user has chosen no engine, and has none at docker's default place.

        `default_engine` is that place, None when what is there is ours.

        Raises:
            ConfigError: docker's settings cannot be read.
        """
        is_taken = default_engine is not None and default_engine.exists()
        return not self._config.choice(environ).chosen_by and not is_taken

    def remove(self) -> bool:
        """Remove the context, if it is ours; tell whether it was. Nothing stays chosen by it.

        Raises:
            ConfigError: docker's settings or the context cannot be read; nothing is removed.
            StorageError: they cannot be written.
        """
        found = read_object(self._file)
        if not found or not self._is_ours(found):
            return False
        if self._config.current_context() == self.name:
            self._config.set_current_context("")
        try:
            shutil.rmtree(self._file.parent)
        except OSError as error:
            raise StorageError(
                f"cannot remove the docker context '{self.name}'",
                details=str(error),
                resolution=f"docker context rm {self.name}",
            ) from error
        return True

    def _is_ours(self, found: Mapping[str, object]) -> bool:
        metadata = found.get("Metadata")
        marked = metadata.get(MARK) if isinstance(metadata, dict) else None
        if not isinstance(marked, str):
            return False
        # A mark whose VM is gone belongs to none.
        return marked == str(self._vm.folder) or not Path(marked).exists()


def context_name(vm_name: str) -> str:
    """Return the name of the VM's context, in the letters that docker allows."""
    if vm_name == USUAL_VM:
        return CONTEXT_NAME
    # docker/cli cli/context/store/store.go, restrictedNamePattern
    name = re.sub(r"[^a-zA-Z0-9_.+-]+", "-", vm_name)
    if name in (DEFAULT_CONTEXT, CONTEXT_NAME) or not re.match(r"[a-zA-Z0-9].", name):
        return f"{CONTEXT_NAME}-{name}"
    return name


def default_engine(platform: str = sys.platform) -> Path:
    """Return where docker looks for an engine when nothing is chosen."""
    return Path(r"\\.\pipe\docker_engine" if platform == "win32" else "/var/run/docker.sock")
