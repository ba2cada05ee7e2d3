"""Folders put in place whole or not at all: from a zip or a folder that nobody vouches for, or over an older one.

Nothing here knows sound, so that training, which runs where there is no sound library, can use it.
"""

import contextlib
import errno
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hubbub.errors import DataError, RefusedError
from hubbub.storage import sweep_leftovers, temporary_folder
from hubbub.types import Track

_MEMBERS = 100_000  # more files than that in one zip are not a dataset
_GIB = 2**30
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError)


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a RefusedError that says where it could not write and why."""
    try:
        yield
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error}; check the free space and the permissions") from error


def unpack(archive: Path, folder: Path, limit: int = 4 * _GIB, track: Track = iter) -> None:
    """Unpack a zip of unknown origin into a new folder, whole or not at all.

    Args:
        archive: the zip.
        folder: must not exist yet; its parent is made if missing.
        limit: bytes that the unpacked files may have in all.
        track: wraps the members on their way, to show progress.

    Raises:
        RefusedError: no such archive, `folder` exists, or there is no room for it.
        DataError: the archive is damaged or encrypted, too large, or one of its members is a link or has a path that
            could lead outside of `folder`.
    """
    if not archive.is_file():
        raise RefusedError(f"no file {archive}: check the path")
    if folder.exists():
        raise RefusedError(f"{folder} exists already: remove it, or choose another folder")
    with writing_to(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep_leftovers(folder.parent)
        with temporary_folder(folder.parent) as temporary:
            stage = temporary / folder.name
            stage.mkdir()
            with _damage_named(archive), zipfile.ZipFile(archive) as bundle:
                members = bundle.infolist()
                _require_harmless(members, archive)
                _require_room(sum(member.file_size for member in members), limit, archive, folder.parent)
                for member in track(members):
                    _extract(bundle, member, stage)
            stage.rename(folder)


@contextlib.contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{archive} is not a zip, or a damaged one ({reason}): fetch or copy it again") from error
    except OSError as error:  # a bad offset, or names that cannot be together; the disk's own complaints are others
        if error.errno not in (None, errno.EINVAL, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise
        raise DataError(f"{archive} is damaged ({error}): fetch or copy it again") from error


def _require_harmless(members: list[zipfile.ZipInfo], archive: Path) -> None:
    if len(members) > _MEMBERS:
        raise DataError(f"{archive} holds {len(members):,} files, more than {_MEMBERS:,}: it is not unpacked")
    for member in members:
        if danger := _danger(member):
            raise DataError(f"{archive} holds {member.orig_filename!r}, {danger}: it is not unpacked")


def _danger(member: zipfile.ZipInfo) -> str:
    """What is wrong with a member, "" if nothing is."""
    name = member.orig_filename  # as stored; `filename` is cut at a NUL and, on Windows, without backslashes
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or any(sign in name for sign in "\\:\0"):
        return "a path that may lead outside"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device"
    return "which is encrypted" if member.flag_bits & 1 else ""


def _require_room(size: int, limit: int, source: Path, folder: Path) -> None:
    if size > limit:
        raise DataError(f"{source} holds {size:,} bytes, more than {limit:,}: nothing of it was taken")
    if size > (free := shutil.disk_usage(folder).free):
        raise RefusedError(f"{source} holds {size:,} bytes, {folder} has {free:,} left: make room first")


def _extract(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.orig_filename
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with bundle.open(member) as source, target.open("xb") as file:  # no member may replace another
        shutil.copyfileobj(source, file, 2**20)


def copy_files(source: Path, names: Sequence[Path], folder: Path, limit: int = 4 * _GIB, track: Track = iter) -> None:
    """Copy regular files, without following links, from a folder of unknown origin into another one.

    Args:
        source: where from.
        names: paths inside of it.
        folder: where to; made if missing.
        limit: bytes that they may have in all.
        track: wraps the names, to show progress.

    Raises:
        RefusedError: there is no room for them.
        DataError: one of them is a link, lies behind one or is no file, or they are too large.
    """
    size = 0
    for name in names:
        status = (source / name).lstat()
        linked = any((source / parent).is_symlink() for parent in name.parents[:-1])
        if linked or not stat.S_ISREG(status.st_mode):
            raise DataError(f"{source / name} is a link or device, not the file itself: copy it there first (cp -rL)")
        size += status.st_size
    folder.mkdir(parents=True, exist_ok=True)
    _require_room(size, limit, source, folder)
    for name in track(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name, follow_symlinks=False)


def put_folder(new: Path, target: Path) -> None:
    """Rename the folder `new` to `target`, which it replaces; both must lie on one disk.

    If that fails, the old folder is as it was. If it is killed in between, that lies beside it as `.NAME.old`.
    """
    old = target.with_name(f".{target.name}.old")
    with temporary_folder(target.parent) as waste:
        if target.exists():
            if old.exists():  # of a call that was killed when it had put its own in place
                old.rename(waste / "older")
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        if old.exists():
            old.rename(waste / "old")
