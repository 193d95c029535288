# SPDX-License-Identifier: MIT
"""Reads directories with the C library, which exposes positions and errors between entries."""

import ctypes
import os

from tools import LIBC


class Entry(ctypes.Structure):
    """struct dirent of 64-bit Linux."""
    _fields_ = [("ino", ctypes.c_uint64), ("offset", ctypes.c_int64),
                ("length", ctypes.c_ushort), ("type", ctypes.c_ubyte),
                ("name", ctypes.c_char * 256)]


LIBC.fdopendir.restype = ctypes.c_void_p
LIBC.readdir.restype = ctypes.POINTER(Entry)
LIBC.readdir.argtypes = LIBC.closedir.argtypes = LIBC.rewinddir.argtypes = [ctypes.c_void_p]
LIBC.telldir.restype = ctypes.c_long
LIBC.telldir.argtypes = [ctypes.c_void_p]
LIBC.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


class Directory:
    """An open directory; skips "." and ".."."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self.stream = LIBC.fdopendir(self.fd)
        assert self.stream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        LIBC.closedir(self.stream)

    def next(self):
        """Returns the next name, or None at the end; raises OSError if readdir(3) fails."""
        while True:
            ctypes.set_errno(0)
            entry = LIBC.readdir(self.stream)
            if not entry:
                if ctypes.get_errno():
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                return None
            name = os.fsdecode(entry.contents.name)
            if name not in (".", ".."):
                return name

    def rest(self):
        """Returns all names from the current position on."""
        return list(iter(self.next, None))

    def tell(self):
        return LIBC.telldir(self.stream)

    def seek(self, position):
        LIBC.seekdir(self.stream, position)

    def rewind(self):
        LIBC.rewinddir(self.stream)
