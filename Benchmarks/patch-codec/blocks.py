"""What the codec context spends on made-up masks and on whole fine-tunes.

Compiles Sources/CPatchCoder into a shared library and calls it block by block.

    python blocks.py [BASE.safetensors TUNED.safetensors ...]

With models every changed tensor of each pair is coded as F32 and, rounded, as BF16,
beside ZipNN's way: the XOR of both sides in byte planes, each through zstd -3.
Needs numpy and, for models, the Python package zstandard.
"""

import os
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../formats/python")
import ctkpatch  # noqa: E402
from coder import Coder, ordered  # noqa: E402


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
