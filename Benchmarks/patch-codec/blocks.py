"""What the codec context spends on made-up masks and on whole fine-tunes.

Compiles Sources/CPatchCoder into a shared library and calls it block by block.

    python blocks.py [BASE.safetensors TUNED.safetensors ...]

With models every changed tensor of each pair is coded as F32 and, rounded, as BF16,
beside ZipNN's way: the XOR of both sides in byte planes, each through zstd -3.
Needs numpy and, for models, the Python package zstandard.
"""

import ctypes
import glob
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = HERE + "/../../Sources/CPatchCoder"
sys.path.insert(0, HERE + "/../../formats/python")
import ctkpatch  # noqa: E402


class Run(ctypes.Structure):
    _fields_ = [("first", ctypes.c_uint64), ("units", ctypes.c_uint32),
                ("unit_bytes", ctypes.c_uint32), ("is_f32", ctypes.c_uint32)]


class Input(ctypes.Structure):
    _fields_ = [("run", Run), ("width", ctypes.c_uint32), ("positions", ctypes.c_void_p),
                ("count", ctypes.c_uint32), ("differences", ctypes.c_void_p),
                ("source", ctypes.c_void_p), ("is_stored", ctypes.c_int)]


class Coder:
    """The library, with the seconds it took."""

    def __init__(self, folder):
        path = folder + "/coder.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", path,
                        "-I" + SOURCES + "/include", *glob.glob(SOURCES + "/*.c"), "-lm"],
                       check=True)
        self.library = ctypes.CDLL(path)
        self.library.ctk_encoder_create.restype = ctypes.c_void_p
        self.library.ctk_encoder_encode.argtypes = [ctypes.c_void_p] + [ctypes.c_void_p] * 3
        self.library.ctk_block_decode.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int,
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        self.encoder = self.library.ctk_encoder_create()
        self.encoding = self.decoding = 0

    def size(self, base, tuned, width, is_float, is_dense=False):
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
            whole, own = self.block(first, before, after, width, positions, differences, is_float)
            total, index = total + whole, index + own
        return total, index

    def block(self, first, before, after, width, positions, differences, is_float):
        run = Run(first, before.size, before.itemsize, is_float and before.itemsize == 4)
        data = Input(run, min(width, before.size), positions.ctypes.data, positions.size,
                     differences.ctypes.data, before.ctypes.data, 0)
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
            status = self.library.ctk_block_decode(
                block, len(block), ctypes.byref(run), side.ctypes.data, is_target,
                places.ctypes.data, found.ctypes.data, ctypes.byref(words))
            self.decoding += (time.perf_counter() - start) * (1 - is_target)
            assert status == 0 and np.array_equal(found, differences)
            assert positions.size == before.size or np.array_equal(places, positions)
        return len(block) + 3, 4 * words.value


def ordered(bits, is_float):
    if not is_float:
        return bits
    top = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    return np.where(bits & top, ~bits, bits | top)


def entropy(share):
    return -(share * np.log2(share) + (1 - share) * np.log2(1 - share))


def masks(coder, random):
    print("uniform masks over 4096 x 1024 units of one byte: bits per change")
    print("share    bound   codec    over")
    for share in (0.0001, 0.001, 0.01, 0.1, 0.3):
        base = np.zeros(1 << 22, np.uint8)
        tuned = (random.random(base.size) < share).astype(np.uint8)
        count = int(tuned.sum())
        bound = base.size * entropy(count / base.size) / count
        bits = 8 * coder.size(base, tuned, 1024, False)[0] / count
        print(f"{share:6.2%} {bound:8.3f} {bits:7.3f} {bits / bound - 1:7.2%}")


def steps(coder, random):
    print("\nBF16 weights, one in ten moved by one or two units of the last place")
    base = (random.normal(0, 0.04, 1 << 20).astype(np.float32).view(np.uint32) >> 16)
    base = base.astype(np.uint16)
    moved = random.random(base.size) < 0.1
    step = random.choice([1, 2], base.size, p=[0.85, 0.15]) * random.choice([1, -1], base.size)
    tuned = np.where(moved, base + step, base).astype(np.uint16)
    total, index = coder.size(base, tuned, 1024, True)
    print(f"values {8 * (total - index) / moved.sum():.3f} bits per change")


def planes(base, tuned):
    """ZipNN's way with the XOR of both sides."""
    import zstandard
    squeeze = zstandard.ZstdCompressor(level=3)
    data = (base ^ tuned).view(np.uint8).reshape(-1, base.itemsize)
    return sum(min(len(squeeze.compress(np.ascontiguousarray(data[:, k]).tobytes())), data.shape[0])
               for k in range(base.itemsize))


def models(coder, base_path, paths):
    base = ctkpatch.load_safetensors(base_path)[0]
    print("\nwhole models: bytes of all changed tensors, beside XOR planes through zstd")
    for path in paths:
        tuned = ctkpatch.load_safetensors(path)[0]
        for is_half in (False, True):
            codec = index = zipped = changes = 0
            coder.encoding = coder.decoding = 0
            for name, tensor in sorted(tuned.items()):
                if tensor.dtype != "F32" or name not in base or base[name].shape != tensor.shape:
                    continue
                sides = [np.ascontiguousarray(t.data).view(np.uint32) for t in (base[name], tensor)]
                if is_half:
                    sides = [rounded(side) for side in sides]
                changed = int((sides[0] != sides[1]).sum())
                if not changed:
                    continue
                width = tensor.shape[-1] if len(tensor.shape) > 1 else sides[0].size
                is_dense = is_half and changed * 4 > sides[0].size
                sizes = [coder.size(*sides, width, True)]
                if is_dense:
                    sizes.append(coder.size(*sides, width, True, is_dense=True))
                best = min(sizes)
                codec, index, changes = codec + best[0], index + best[1], changes + changed
                zipped += planes(*sides)
            print(f"{path} {'BF16' if is_half else 'F32'}: {changes} changes, {codec} bytes "
                  f"({8 * codec / changes:.3f} bits: {8 * index / changes:.3f} positions, "
                  f"{8 * (codec - index) / changes:.3f} the rest), XOR planes {zipped} "
                  f"({codec / zipped:.3f}), coded in {coder.encoding:.2f} s, "
                  f"decoded in {coder.decoding:.2f} s on one core")


def rounded(bits):
    """To BF16, to nearest even."""
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def main(arguments):
    with tempfile.TemporaryDirectory() as folder:
        coder = Coder(folder)
        random = np.random.default_rng(2026)
        masks(coder, random)
        steps(coder, random)
        if arguments:
            models(coder, arguments[0], arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
