"""What the guest calls the paths of this machine: by the folders that both see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boot2docker_py.errors import UsageError
from boot2docker_py.guest.shared_folders import Folder, SharedFolders

WINDOWS = (Folder("C:\\Users", "c/Users"), Folder("D:\\", "d"))
MAC = (Folder("/Users", "Users"), Folder("/Users/me/deep", "deep"))


def on(platform: str, cwd: str, *folders: Folder, can_share: bool = True) -> SharedFolders:
    return SharedFolders(
        folders, cwd, can_share=can_share, platform=platform, real_path=lambda path: path
    )


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (".", "/c/Users/me/my site"),
        ("..\\other", "/c/Users/me/other"),
        ("../other", "/c/Users/me/other"),
        ("sub\\Dockerfile", "/c/Users/me/my site/sub/Dockerfile"),
        ("c:\\users\\ME\\x", "/c/Users/ME/x"),
        ("C:/Users/me/x", "/c/Users/me/x"),
        ("C:\\Users", "/c/Users"),
        ("C:\\Users\\jö%a&b^c!d e", "/c/Users/jö%a&b^c!d e"),
        ("C:\\Users\\" + "long\\" * 80 + "x", "/c/Users/" + "long/" * 80 + "x"),
        ("d:\\work\\x", "/d/work/x"),
        ("/c/Users/me/x", "/c/Users/me/x"),
        ("//c/Users/me/x", "/c/Users/me/x"),
        ("/var/lib/docker", "/var/lib/docker"),
        ("vm:/tmp/x", "/tmp/x"),
    ],
)
def test_paths_of_windows(path: str, there: str) -> None:
    assert on("win32", "C:\\Users\\me\\my site", *WINDOWS).in_guest(path) == there


@pytest.mark.parametrize(
    ("path", "there"),
    [
        (".", "/Users/me"),
        ("a b/ü", "/Users/me/a b/ü"),
        ("/Users", "/Users"),
        ("/Users/me/deep/x", "/deep/x"),
        ("deep/../x", "/Users/me/x"),
        ("/var/run/docker.sock", "/var/run/docker.sock"),
        ("vm:/var/lib", "/var/lib"),
    ],
)
def test_paths_of_posix(path: str, there: str) -> None:
    assert on("darwin", "/Users/me", *MAC).in_guest(path) == there


@pytest.mark.parametrize(
    ("platform", "cwd", "path"),
    [
        ("darwin", "/Users/me", "/UsersOfOld/x"),
        ("darwin", "/Users/me", "../../etc"),
        ("darwin", "/tmp", "x"),
        ("win32", "C:\\Users\\me", "C:\\Windows"),
        ("win32", "C:\\Users\\me", "C:\\Users2\\x"),
        ("win32", "C:\\Users\\me", "..\\..\\Windows"),
        ("win32", "C:\\Users\\me", "\\\\server\\share\\x"),
    ],
)
def test_what_is_in_no_shared_folder_is_refused(platform: str, cwd: str, path: str) -> None:
    shared = on(platform, cwd, *(MAC if platform == "darwin" else WINDOWS[:1]))
    with pytest.raises(UsageError, match="does not see"):
        shared.in_guest(path)


def test_the_refusal_says_which_folder_to_share_beside_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        on("win32", "E:\\work", WINDOWS[0]).in_guest("my site\\.env.txt")
    assert "'C:\\Users'" in caught.value.details
    flags = '--vbox-share "C:\\Users=c/Users" --vbox-share "E:\\work\\my site=e/work/my-site"'
    assert caught.value.resolution.endswith(f"boot2docker restart {flags}")


def test_without_shared_folders_the_refusal_says_how_to_copy() -> None:
    with pytest.raises(UsageError) as caught:
        on("linux", "/home/me", can_share=False).in_guest("site")
    assert 'boot2docker cp "/home/me/site" vm:/tmp/' in caught.value.resolution
    assert "vm:/tmp/site" in caught.value.resolution


def test_the_working_folder_has_a_name_there_or_none() -> None:
    assert on("darwin", "/Users/me", *MAC).working_folder() == "/Users/me"
    assert on("darwin", "/tmp", *MAC).working_folder() is None


@pytest.mark.skipif(os.name != "posix", reason="makes a symbolic link")
def test_a_link_that_leads_into_a_shared_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    shared = SharedFolders([Folder(str(tmp_path / "shared"), "s")], str(tmp_path))
    assert shared.in_guest("link/x") == "/s/x"
