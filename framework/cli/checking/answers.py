"""The answer of the last check, or quick verification, for as long as nothing that it read has changed.

An entry holds what was printed, the exit code, and the state (size, times, inode) of everything that the command opened
or listed, of every module that it ran, and of all the project's folders, so that a new file is noticed as well. The
state of a file is taken when it is opened. A quick verification does not open all that it rests on: of it, everything
that was asked for its state counts too, and every file of the runs. Entries lie in the user's own cache folder, never
in the project: a checkout cannot bring an answer along.

This module is imported before anything else of a check: it may import only what every interpreter has loaded anyway,
beside `time`, `zlib` and where the cache folder is.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from stat import S_ISDIR

from framework.cache_folder import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MAGIC = "framework-check-cache 1"
_ENVIRONMENT = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "PYTHONPATH", "PYTHONUTF8", "LANG", "LC_ALL", "TZ")
_OWN_ENVIRONMENT = ("FRAMEWORK_", "HF_", "HUGGINGFACE_", "XDG_CACHE_HOME", "HOME")
"""What places outside the project are found by begins so."""
_MOST_FOLDERS = 5_000
_MOST_FILES = 50_000
_MOST_ENTRIES = 200
_FINE, _COARSE = 20_000_000, 2_100_000_000
"""How old, in nanoseconds, a change must be for its time to tell it from a later one: where the file system counts in
nanoseconds, and where it counts in seconds."""
_FOLDER = "folder "
_SKIPPED = ("__pycache__", "node_modules", "runs")
_STARTED = time.time_ns()
"""Before anything was read. In a process that lives on, nothing that changed meanwhile is ever kept."""
_DOUBTFUL = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")


def key_of(arguments: list[str]) -> str:
    """All that decides an answer beside the files: the question, where and when it is asked, and by which Python."""
    environment = [f"{name}={os.environ.get(name)}" for name in _ENVIRONMENT]
    environment += sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_OWN_ENVIRONMENT))
    now = time.strftime("%Y-%m-%d")
    terminal = str(_width())
    encoding = str(sys.stdout.encoding)
    parts = [sys.version, sys.prefix, os.getcwd(), now, terminal, encoding, *environment, *arguments]
    return "\0".join(parts).replace("\n", " ")


def _width() -> int:
    """The columns of the terminal that is written to; 0 for anything else."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    except (OSError, ValueError):
        return 0


def replay(arguments: list[str]) -> tuple[str, int] | None:
    """What the same command printed and its exit code, if it would say the same now; None wherever that is in doubt."""
    if "--no-cache" in arguments:
        return None
    try:
        key = key_of(arguments)
        with open(_entry(key), encoding="utf-8", errors="surrogateescape", newline="") as stream:
            magic, check, body = stream.read().split("\n", 2)
        if magic != _MAGIC or check != _sum(body):
            return None
        stored, code, count, rest = body.split("\n", 3)
        if stored != key:
            return None
        *states, output = rest.split("\n", int(count))
        for line in states:
            state, path = line.split("\t", 1)
            if _state(path, state.startswith(_FOLDER)) != state:
                return None
        return output, int(code)
    except (OSError, ValueError, TypeError):
        return None


class Recorder:
    """Notes what this process opens and lists, from the start of a command until it is stored or given up; and, where
    it is to, of what it asks the state."""

    def __init__(self, states: bool = False) -> None:
        self._seen: dict[str, str] = {}
        self._asked: dict[str, str] = {}
        self._doubtful = False
        self._own = cache_folder()
        if states:
            os.stat, os.lstat = _noting(_stat), _noting(_lstat)
        global _active, _hooked
        if not _hooked:
            sys.addaudithook(_hook)
            _hooked = True
        _active = self

    def stop(self) -> None:
        """Note nothing any more."""
        global _active
        if _active is self:
            _active = None
            os.stat, os.lstat = _stat, _lstat

    def note(self, path: str) -> None:
        """Take the state of a file or a folder, once."""
        if path not in self._seen and path != self._own:  # where the entry itself will be written
            self._seen[path] = ""  # asking for the state may come back here
            self._seen[path] = _state(path)

    def note_asked(self, path: str) -> None:
        """As well of what was asked for its state alone: of a folder it counts which one it is, and not what it has."""
        if path not in self._asked:
            self._asked[path] = _state(path, True)

    def doubt(self) -> None:
        """The answer depends on more than files."""
        self._doubtful = True

    def paths(self) -> set[str]:
        """What was opened, listed or asked for its state."""
        return {*self._seen, *self._asked}

    def store(self, arguments: list[str], root: str, output: str, code: int, whole: str | None = None) -> None:
        """Keep an answer, if all that it rests on is known and has stood still. Of the folder ``whole`` every file
        counts."""
        self.stop()
        try:
            self._add_code()
            if self._doubtful or not self._add_folders(root) or not self._add_files(whole):
                return
            lines = []
            for path, state in (*self._asked.items(), *self._seen.items()):
                if _state(path, state.startswith(_FOLDER)) != state or not self._settled(state) or "\n" in path:
                    return
                lines.append(f"{state}\t{path}\n")
            key = key_of(arguments)
            body = f"{key}\n{code}\n{len(lines)}\n{''.join(lines)}{output}"
            _write(_entry(key), f"{_MAGIC}\n{_sum(body)}\n{body}")
        except (OSError, ValueError):
            return

    def _add_code(self) -> None:
        """Everything that was imported from outside the standard library, and where more would be found."""
        standard = os.path.dirname(os.__file__)
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if not file or (file.startswith(standard) and f"{os.sep}site-packages{os.sep}" not in file):
                continue
            self.note(os.path.abspath(file))
            self.note(os.path.dirname(os.path.abspath(file)))
        for entry in sys.path:
            self.note(os.path.abspath(entry))

    def _add_folders(self, root: str) -> bool:
        """Every folder of the project, and that of each file: a file that comes or goes changes its folder."""
        for path in list(self._seen):
            if not os.path.isdir(path):
                self.note(os.path.dirname(path))
        todo, count = [root], 0
        while todo:
            here = todo.pop()
            count += 1
            if count > _MOST_FOLDERS:
                return False
            self.note(here)
            with os.scandir(here) as entries:
                below = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            todo += [os.path.join(here, name) for name in below if name[0] != "." and name not in _SKIPPED]
        return True

    def _add_files(self, folder: str | None) -> bool:
        todo = [folder] if folder is not None and os.path.isdir(folder) else []
        while todo:
            here = todo.pop()
            self.note(here)
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        self.note(entry.path)
            if len(self._seen) > _MOST_FILES:
                return False
        return True

    def _settled(self, state: str) -> bool:
        times = [int(part) for part in state.split(" ")[1:3]]
        return all(_STARTED - when > (_FINE if when % 1_000_000_000 else _COARSE) for when in times)


_stat, _lstat = os.stat, os.lstat
_active: Recorder | None = None
_hooked = False


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: hooks cannot be taken back, so this one does nothing unless a check is being recorded."""
    recorder = _active
    if recorder is None:
        return
    if event == "open":
        path, flags = arguments[0], arguments[2]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str) or path.endswith((".pyc", os.devnull)) or f"{os.sep}__pycache__{os.sep}" in path:
            return
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
            return
        recorder.note(os.path.abspath(path))
    elif event in ("os.listdir", "os.scandir"):
        place = arguments[0]
        if isinstance(place, bytes):
            place = os.fsdecode(place)
        recorder.note(os.path.abspath(place if isinstance(place, str) else "."))
    elif event in _DOUBTFUL:
        recorder.doubt()


def _noting(real: Any) -> Any:
    """The state of a path, asked by the program: noted as well."""

    def noting(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        recorder = _active
        if recorder is not None and isinstance(path, str | os.PathLike) and options.get("dir_fd") is None:
            recorder.note_asked(os.path.abspath(os.fsdecode(path)))
        found: os.stat_result = real(path, *arguments, **options)
        return found

    return noting


def _state(path: str, brief: bool = False) -> str:
    """Size, times and inode of what lies there; ``brief`` tells of a folder which one it is alone."""
    try:
        found = _stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "- 1 1 -"
    if brief and S_ISDIR(found.st_mode):
        return f"{_FOLDER}1 1 {found.st_ino}"
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _entry(key: str) -> str:
    place = cache_folder()
    if place is None:
        raise OSError("no place for a cache")
    data = key.encode("utf-8", "surrogateescape")
    return os.path.join(place, f"{zlib.crc32(data):08x}{zlib.adler32(data):08x}")


def _sum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}"


def _write(path: str, text: str) -> None:
    place = os.path.dirname(path)
    os.makedirs(place, mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _prune(place)


def _prune(place: str) -> None:
    """Drop the oldest entries above a number."""
    with os.scandir(place) as entries:
        found = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.is_file())
    for _, path in found[:-_MOST_ENTRIES]:
        os.unlink(path)
