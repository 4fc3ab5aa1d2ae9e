"""What rounded changes cost, block by block, and how far they are from the unrounded ones.

    python rounding.py BASE.safetensors TUNED.safetensors [...]
"""

import os
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../../formats/python")
import ctkpatch  # noqa: E402
from coder import Coder  # noqa: E402

# Form of the coder, and the most bits of a change where all have one step.
FORMS = {"bf16": (1, 0), "int8": (2, 8), "int4": (2, 4)}


def main(base_path, tuned_paths):
    base = ctkpatch.load_safetensors(base_path)[0]
    with tempfile.TemporaryDirectory() as folder:
        coder = Coder(folder)
        for path in tuned_paths:
            tuned = ctkpatch.load_safetensors(path)[0]
            for name, (form, bits) in FORMS.items():
                measure(coder, base, tuned, path, name, form, bits)


def pairs(base, tuned):
    """Bits before and after, and the width, of the tensors that changed."""
    for name, tensor in tuned.items():
        old = base.get(name)
        if old is None or old[:2] != tensor[:2] or tensor.dtype != "F32":
            continue
        before, after = old.data.view("<u4"), tensor.data.view("<u4")
        if not np.array_equal(before, after):
            yield before, after, tensor.shape[-1] if len(tensor.shape) > 1 else before.size


def common_step(coder, base, tuned, bits):
    spreads = np.array([coder.spread(*pair) for pair in pairs(base, tuned)])
    count, octaves = spreads.sum(axis=0)
    step = 2 ** (octaves / count - bits - 1) * np.sqrt(2 * np.pi * np.e)
    unit = 2 ** (np.floor(np.log2(step)) - 2)
    return unit * np.ceil(step / unit)


def measure(coder, base, tuned, path, label, form, bits):
    step = common_step(coder, base, tuned, bits)
    total = index = changes = rounded = exact = 0
    worst = error_sum = square = power = 0.0
    for before, after, width in pairs(base, tuned):
        target, rounding, result = coder.rounded(before, after, width, form, step)
        bytes_, own = coder.size(before, target, width, True, rounding=rounding)
        total, index = total + bytes_, index + own
        changes += int((before != target).sum())
        rounded, exact = rounded + result.rounded, exact + result.exact
        worst, error_sum = max(worst, result.worst_error), error_sum + result.error_sum
        reals = [side.view("<f4").astype(float) for side in (before, after, target)]
        square += float(((reals[2] - reals[1]) ** 2).sum())
        power += float(((reals[1] - reals[0]) ** 2).sum())
    print(f"{path} {label}: {8 * total / changes:.3f} bits ({8 * index / changes:.3f} index words), "
          f"{changes} changes, {rounded} rounded, {exact} exact, worst {worst:.3g}, "
          f"mean {error_sum / rounded:.3g}, error {np.sqrt(square / power):.4f} of changes")


main(sys.argv[1], sys.argv[2:])
