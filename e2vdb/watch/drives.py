"""Does a folder lie on a drive that another machine writes to? Events of theirs never arrive."""

import sys
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset(
    "nfs nfs4 cifs smb2 smb3 smbfs afpfs webdav 9p ceph glusterfs lustre beegfs gpfs ncpfs "  # noqa: SIM905
    "vboxsf prl_fs virtiofs fuse.sshfs fuse.rclone fuse.glusterfs fuse.s3fs fuse.vmhgfs-fuse "
    "fuse.juicefs fuse.gcsfuse fuse.goofys drvfs".split()
)


def network_kind(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of network drive that a folder (a real path) lies on, None for a disk.

    Linux says so in its list of mounts; a Windows path does by two leading backslashes.
    """
    if sys.platform == "win32":
        return "network share" if str(folder).startswith("\\\\") else None
    best, kind = -1, ""
    for place, found in _mounted(mounts):
        if folder.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), found
    return kind if kind in _NETWORK else None


def _mounted(mounts: Path) -> list[tuple[Path, str]]:
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    return [(Path(_unescaped(one[1])), one[2]) for one in fields if len(one) > 2]


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
