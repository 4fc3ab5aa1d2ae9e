"""The library ``libctkpatch`` behind the reader, where it is present.

The environment variable CTKPATCH_LIBRARY names it.  Without it ``ctkpatch.py`` works
with numpy alone and gives the same results.
"""

import ctypes
import os

import numpy as np

from ctkcontext import PatchError


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int32), ("code", ctypes.c_char * 64),
                ("message", ctypes.c_char * 512)]


class Layout(ctypes.Structure):
    _fields_ = [("dtype", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("rank", ctypes.c_size_t), ("byte_count", ctypes.c_size_t),
                ("digest", ctypes.c_char_p)]


class Entry(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("kind", ctypes.c_char_p),
                ("original", ctypes.c_char_p), ("in_place", ctypes.c_int32),
                ("changes", ctypes.c_uint64), ("sides", Layout * 2)]


class CTensor(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_char_p),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_size_t),
                ("data", ctypes.c_void_p), ("byte_count", ctypes.c_size_t)]


INTERFACE_VERSION = 1


def load():
    """The library, or None."""
    path = os.environ.get("CTKPATCH_LIBRARY")
    if not path:
        return None
    library = ctypes.CDLL(path)
    if library.ctkpatch_interface_version() != INTERFACE_VERSION:
        raise OSError(f"{path} has another interface version")
    library.ctkpatch_open.restype = ctypes.c_void_p
    library.ctkpatch_open.argtypes = [
        ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_size_t, ctypes.c_void_p]
    library.ctkpatch_close.argtypes = [ctypes.c_void_p]
    library.ctkpatch_entry_count.restype = ctypes.c_size_t
    library.ctkpatch_entry_count.argtypes = [ctypes.c_void_p]
    library.ctkpatch_entry_at.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
    for name in ("apply", "revert"):
        getattr(library, "ctkpatch_" + name).argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p]
    library.ctkpatch_make.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32, ctypes.c_void_p, ctypes.c_size_t,
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    return library


class NativePatch:
    """A patch opened by the library."""

    def __init__(self, library, path, mask_paths=()):
        self.library, self.error = library, Error()
        masks = (ctypes.c_char_p * len(mask_paths))(*[os.fsencode(mask) for mask in mask_paths])
        self.handle = library.ctkpatch_open(
            os.fsencode(path), masks, len(mask_paths), ctypes.byref(self.error))
        if not self.handle:
            self._fail()

    def __del__(self):
        if getattr(self, "handle", None):
            self.library.ctkpatch_close(self.handle)

    def _fail(self):
        raise PatchError(f"{self.error.code.decode()}: {self.error.message.decode()}")

    def transform(self, model, tensor_type, verb):
        """The touched tensors of the result by name; None for those that it lacks.

        ``verb`` is ``apply`` or ``revert``; ``model`` is left as it is.
        """
        side = 1 if verb == "apply" else 0
        result, in_place, layouts = {}, [], {}
        for index in range(self.library.ctkpatch_entry_count(self.handle)):
            entry = Entry()
            if self.library.ctkpatch_entry_at(
                    self.handle, index, ctypes.byref(entry), ctypes.byref(self.error)):
                self._fail()
            name = entry.name.decode()
            if entry.in_place and name in model:
                result[name] = model[name]._replace(data=model[name].data.copy())
                in_place.append(self._tensor(name, result[name]))
                layout = entry.sides[side]
                layouts[name] = (layout.dtype.decode(),
                                 tuple(layout.shape[axis] for axis in range(layout.rank)))
            else:
                result[name] = self._made(index, entry, side, model, tensor_type)
        array = (CTensor * len(in_place))(*in_place)
        if getattr(self.library, "ctkpatch_" + verb)(
                self.handle, array, len(in_place), 0, ctypes.byref(self.error)):
            self._fail()
        for name, layout in layouts.items():
            result[name] = tensor_type(*layout, result[name].data)
        return result

    @staticmethod
    def _tensor(name, tensor):
        shape = (ctypes.c_int64 * len(tensor.shape))(*tensor.shape)
        return CTensor(name.encode(), tensor.dtype.encode(),
                       ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64)), len(tensor.shape),
                       tensor.data.ctypes.data, tensor.data.size)

    def _made(self, index, entry, side, model, tensor_type):
        layout = entry.sides[side]
        if layout.dtype is None:
            return None
        data = np.empty(layout.byte_count, np.uint8)
        name = entry.name.decode()
        source = model.get(name)
        if source is None and entry.original is not None:
            source = model.get(entry.original.decode())
        start, count = (None, 0) if source is None else (source.data.ctypes.data, source.data.size)
        if self.library.ctkpatch_make(
                self.handle, index, side, start, count, data.ctypes.data, data.size,
                ctypes.byref(self.error)):
            self._fail()
        shape = tuple(layout.shape[axis] for axis in range(layout.rank))
        return tensor_type(layout.dtype.decode(), shape, data)
