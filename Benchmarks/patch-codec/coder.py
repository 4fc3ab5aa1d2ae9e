"""The block coder of Sources/CPatchCoder, compiled and called from Python."""

import ctypes
import glob
import os
import subprocess
import time

import numpy as np

SOURCES = os.path.dirname(os.path.abspath(__file__)) + "/../../Sources/CPatchCoder"


class Run(ctypes.Structure):
    _fields_ = [("first", ctypes.c_uint64), ("units", ctypes.c_uint32),
                ("unit_bytes", ctypes.c_uint32), ("is_f32", ctypes.c_uint32)]


class Rounding(ctypes.Structure):
    _fields_ = [("form", ctypes.c_int), ("grid", ctypes.c_uint32), ("steps", ctypes.c_void_p)]


class Input(ctypes.Structure):
    _fields_ = [("run", Run), ("width", ctypes.c_uint32), ("positions", ctypes.c_void_p),
                ("count", ctypes.c_uint32), ("is_masked", ctypes.c_int),
                ("differences", ctypes.c_void_p), ("source", ctypes.c_void_p),
                ("rounding", Rounding), ("is_stored", ctypes.c_int)]


class Block(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char_p), ("byte_count", ctypes.c_size_t), ("run", Run),
                ("source", ctypes.c_void_p), ("is_target", ctypes.c_int),
                ("mask", ctypes.c_void_p), ("mask_count", ctypes.c_uint32)]


class Round(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("tuned", ctypes.c_void_p),
                ("units", ctypes.c_uint64), ("width", ctypes.c_uint64), ("form", ctypes.c_int),
                ("step", ctypes.c_double)]


class Spread(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint64), ("octaves", ctypes.c_double)]


class Rounded(ctypes.Structure):
    _fields_ = [("grid", ctypes.c_uint32), ("rounded", ctypes.c_uint64),
                ("exact", ctypes.c_uint64), ("worst_error", ctypes.c_double),
                ("error_sum", ctypes.c_double)]


class Coder:
    """The library, with the seconds it took."""

    def __init__(self, folder):
        path = folder + "/coder.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", path,
                        *("-I" + folder for folder in glob.glob(SOURCES + "/*/")),
                        *glob.glob(SOURCES + "/*/*.c"), "-lm"],
                       check=True)
        self.library = ctypes.CDLL(path)
        self.library.ctk_encoder_create.restype = ctypes.c_void_p
        self.library.ctk_encoder_encode.argtypes = [ctypes.c_void_p] + [ctypes.c_void_p] * 3
        self.library.ctk_block_decode.argtypes = [ctypes.c_void_p] * 4
        self.encoder = self.library.ctk_encoder_create()
        self.encoding = self.decoding = 0

    def spread(self, base, tuned, width):
        """How many changes can be rounded, and the sum of their rows' octaves."""
        data = Round(base.ctypes.data, tuned.ctypes.data, base.size, width, 0, 0)
        spread = Spread()
        self.library.ctk_measure_changes(ctypes.byref(data), ctypes.byref(spread))
        return spread.count, spread.octaves

    def rounded(self, base, tuned, width, form, step):
        """The target, its rounding for blocks, and the result."""
        target = np.empty_like(base)
        steps = np.zeros(-(-base.size // width), np.uint8)
        data = Round(base.ctypes.data, tuned.ctypes.data, base.size, width, form, step)
        result = Rounded()
        assert self.library.ctk_round_changes(
            ctypes.byref(data), target.ctypes.data_as(ctypes.c_void_p),
            steps.ctypes.data_as(ctypes.c_void_p), ctypes.byref(result)) == 0
        return target, (form, result.grid, steps), result

    def size(self, base, tuned, width, is_float, is_dense=False, rounding=None):
        """Bytes of all blocks and of their positions, checked by decoding."""
        total = index = 0
        # As ctk does: blocks of 2^20 units, up to 2^22 where fewer than 2^15 change.
        shift, changes = 20, int((base != tuned).sum())
        while shift < 22 and 1 << shift < base.size and changes << shift < base.size << 15:
            shift += 1
        for first in range(0, base.size, 1 << shift):
            before, after = base[first:first + (1 << shift)], tuned[first:first + (1 << shift)]
            positions = np.flatnonzero(before != after).astype(np.uint32)
            if not positions.size:
                total += 1
                continue
            differences = ordered(after, is_float) - ordered(before, is_float)
            if is_dense:
                positions = np.arange(before.size, dtype=np.uint32)
            differences = np.ascontiguousarray(differences[positions])
            whole, own = self.block(first, before, after, width, positions, differences, is_float,
                                    rounding)
            total, index = total + whole, index + own
        return total, index

    def block(self, first, before, after, width, positions, differences, is_float,
              rounding=None):
        run = Run(first, before.size, before.itemsize, is_float and before.itemsize == 4)
        own = Rounding()
        if rounding:
            steps = np.ascontiguousarray(rounding[2][first // width:])
            own = Rounding(*rounding[:2], steps.ctypes.data)
        data = Input(run, min(width, before.size), positions.ctypes.data, positions.size, 0,
                     differences.ctypes.data, before.ctypes.data, own, 0)
        out, count, words = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t()
        start = time.perf_counter()
        status = self.library.ctk_encoder_encode(
            self.encoder, ctypes.byref(data), ctypes.byref(out), ctypes.byref(count))
        self.encoding += time.perf_counter() - start
        assert status == 0
        block = ctypes.string_at(out, count.value)
        for side, is_target in ((before, 0), (after, 1)):
            places, found = np.zeros_like(positions), np.zeros_like(differences)
            start = time.perf_counter()
            item = Block(block, len(block), run, side.ctypes.data, is_target, None, 0)
            status = self.library.ctk_block_decode(
                ctypes.byref(item), places.ctypes.data, found.ctypes.data, ctypes.byref(words))
            self.decoding += (time.perf_counter() - start) * (1 - is_target)
            assert status == 0 and np.array_equal(found, differences)
            assert positions.size == before.size or np.array_equal(places, positions)
        return len(block) + 3, 4 * words.value


def ordered(bits, is_float):
    if not is_float:
        return bits
    top = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    return np.where(bits & top, ~bits, bits | top)
