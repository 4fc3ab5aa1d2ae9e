"""Estimates what a lossless coder could still save of the values of a patch that goes both ways.

    python floor.py BASE.safetensors TUNED.safetensors [...]

Prints the entropy of the lowest bits of the target's changed weights, and for how many bits
the finer of both sides' floats has to be told: applying needs the target's last bits, and
reverting the base's.
"""

import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../formats/python")
import ctkpatch  # noqa: E402

# Octaves from the typical change of a tensor to the cells that its changes are coded in.
CELL_OCTAVES = 6
MANTISSA_BITS = 24


def changed(base, tuned):
    """Both sides of the changed weights of every F32 tensor."""
    for name, tensor in tuned.items():
        if tensor.dtype != "F32" or name not in base or base[name].shape != tensor.shape:
            continue
        sides = [side.data.view("<u4").reshape(-1) for side in (base[name], tensor)]
        places = sides[0] != sides[1]
        if places.any():
            yield [side[places] for side in sides]


def exponents(bits, limit):
    values = np.abs(bits.view("<f4").astype(float))
    return np.minimum(np.frexp(np.maximum(values, 1e-45))[1], limit)


def entropy(bits, count):
    """Of the lowest `count` bits, without the bias of a sample."""
    shares = np.bincount(bits & ((1 << count) - 1), minlength=1 << count) / bits.size
    shares = shares[shares > 0]
    return -(shares * np.log2(shares)).sum() + (shares.size - 1) / (2 * bits.size * np.log(2))


def main(base_path, paths):
    base = ctkpatch.load_safetensors(base_path)[0]
    for path in paths:
        target_finer = base_finer = shared = 0
        targets = []
        for before, after in changed(base, ctkpatch.load_safetensors(path)[0]):
            reals = [side.view("<f4").astype(float) for side in (before, after)]
            typical = np.log2(max(np.abs(reals[1] - reals[0]).mean(), 1e-45))
            limit = typical - CELL_OCTAVES + MANTISSA_BITS
            difference = exponents(before, limit) - exponents(after, limit)
            finer = np.maximum(difference, 0).sum(), np.maximum(-difference, 0).sum()
            target_finer, base_finer = target_finer + finer[0], base_finer + finer[1]
            shared += min(finer)
            targets.append(after)
        bits = np.concatenate(targets)
        print(f"{path}: {bits.size:,} changes; lowest 8 bits {entropy(bits, 8):.4f}, lowest 12 "
              f"{entropy(bits, 12):.4f}; last bits for applying only "
              f"{target_finer / bits.size:.3f} a change, for reverting only "
              f"{base_finer / bits.size:.3f}, the smaller of them {shared / bits.size:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
