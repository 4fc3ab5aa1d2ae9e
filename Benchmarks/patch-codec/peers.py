"""Patches of ctk beside the general tools: bytes, seconds to make, seconds to apply.

    python peers.py CTK BASE_FOLDER TUNED_FOLDER...

Needs zstd, xdelta3 and bsdiff.  Every result is compared with the tuned model; rounded
patches are verified in both directions instead.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

MODEL = "/model.safetensors"


def timed(command, best_of=1, output=None):
    seconds = []
    for _ in range(best_of):
        # A new output each time: replacing one has to wait for the disk.
        if output:
            shutil.rmtree(output, ignore_errors=True)
        start = time.perf_counter()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return min(seconds), done.stdout.decode()


def row(name, size, make, apply, first):
    print(f"| {name} | {size:,} | {size / first:.2f} | {make:.2f} | {apply:.2f} |", flush=True)


def compare(ctk, base, tuned, folder):
    patch, output = folder + "/patch", folder + "/output"
    print(f"\n{os.path.basename(tuned)}\n\n| tool | bytes | ratio | make s | apply s |")
    print("| --- | --- | --- | --- | --- |")
    first = None
    for codec in ("auto", "deflate"):
        make, text = timed([ctk, "export-delta", "--base", base, "--tuned", tuned, "--codec",
                            codec, "--output", patch, "--force", "--json", "--no-progress"], 3)
        report = json.loads(text.strip().splitlines()[-1])
        apply, _ = timed([ctk, "apply", "--base", base, "--patch", patch, "--output", output,
                          "--no-progress"], 3, output)
        assert filecmp.cmp(output + MODEL, tuned + MODEL, shallow=False)
        size = os.path.getsize(patch)
        first = first or size
        row(f"ctk {codec}", size, make, apply, first)
        if codec == "auto":
            own = report
    for rounding in ("bf16", "int8", "int4"):
        make, text = timed([ctk, "export-delta", "--base", base, "--tuned", tuned, "--round",
                            rounding, "--output", patch, "--force", "--json", "--no-progress"], 3)
        report = json.loads(text.strip().splitlines()[-1])
        apply, _ = timed([ctk, "apply", "--base", base, "--patch", patch, "--output", output,
                          "--force", "--no-progress"], 3)
        timed([ctk, "verify", "--patch", patch, "--base", base, "--tuned", output,
               "--unrounded", tuned, "--no-progress"])
        row(f"ctk --round {rounding}", os.path.getsize(patch), make, apply, first)
        print(f"<!-- {rounding}: {report['total_bits']:.3f} bits, {report['rounding']} -->")
    old, new, result = base + MODEL, tuned + MODEL, folder + "/result"
    tools = {
        "bsdiff": (["bsdiff", old, new, patch], ["bspatch", old, result, patch]),
        "xdelta3 -9": (["xdelta3", "-9", "-f", "-e", "-s", old, new, patch],
                       ["xdelta3", "-f", "-d", "-s", old, patch, result]),
        "zstd -19 --patch-from": (
            ["zstd", "-19", "--long=27", "-f", "-q", "--patch-from=" + old, new, "-o", patch],
            ["zstd", "-d", "--long=27", "-f", "-q", "--patch-from=" + old, patch, "-o",
             result]),
    }
    for name, (make, apply) in tools.items():
        seconds, _ = timed(make)
        applied, _ = timed(apply, 3)
        assert filecmp.cmp(result, new, shallow=False), name
        row(name, os.path.getsize(patch), seconds, applied, first)
    print(f"\n{own['changed']:,} changed weights: {own['total_bits']:.3f} bits each in all, "
          f"{own['index_bits']:.3f} positions, {own['value_bits']:.3f} values; order-0 bound of "
          f"the positions {own['bound_bits']:.3f}", flush=True)


def main(arguments):
    if len(arguments) < 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        for tuned in arguments[2:]:
            compare(arguments[0], arguments[1], tuned.rstrip("/"), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
