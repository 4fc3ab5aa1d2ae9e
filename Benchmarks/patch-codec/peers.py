"""Patches of ctk beside the general tools: bytes, seconds to make, seconds to apply.

    python peers.py [--ctk-only] CTK BASE_FOLDER TUNED_FOLDER...

Needs zstd, xdelta3 and bsdiff.  Every result is compared with the tuned model; rounded
patches are verified in both directions instead.  Seconds of ctk and of applying are medians
of seven runs; the other tools make each patch once, and their processor time stands beside.
"""

import filecmp
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7
MODEL = "/model.safetensors"


def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(command, runs=1, output=None):
    """Median seconds, median processor seconds, and the output of the last run."""
    seconds, processor = [], []
    for _ in range(runs):
        # A new output each time: replacing one has to wait for the disk.
        if output:
            shutil.rmtree(output, ignore_errors=True)
        start, before = time.perf_counter(), used()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
        processor.append(used() - before)
    return statistics.median(seconds), statistics.median(processor), done.stdout.decode()


def row(name, size, make, apply, first):
    print(f"| {name} | {size:,} | {size / first[0]:.3f} | {make[0]:.2f} | {make[1]:.2f} | "
          f"{make[0] / first[1]:.2f} | {apply[0]:.3f} |", flush=True)


def compare(ctk, base, tuned, folder, is_alone):
    patch, output = folder + "/patch", folder + "/output"
    print(f"\n{os.path.basename(tuned)}\n\n"
          "| tool | bytes | of ctk's | make s | processor s | times ctk's | apply s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    first = None
    for codec in ("auto", "deflate"):
        *make, text = timed([ctk, "export-delta", "--base", base, "--tuned", tuned, "--codec",
                            codec, "--output", patch, "--force", "--json", "--no-progress"], RUNS)
        report = json.loads(text.strip().splitlines()[-1])
        apply = timed([ctk, "apply", "--base", base, "--patch", patch, "--output", output,
                       "--no-progress"], RUNS, output)
        assert filecmp.cmp(output + MODEL, tuned + MODEL, shallow=False)
        size = os.path.getsize(patch)
        if codec == "auto":
            own, first = report, (size, make[0])
        row(f"ctk {codec}", size, make, apply, first)
    notes = []
    for rounding in ("bf16", "int8", "int4"):
        *make, text = timed([ctk, "export-delta", "--base", base, "--tuned", tuned, "--round",
                            rounding, "--output", patch, "--force", "--json", "--no-progress"], RUNS)
        report = json.loads(text.strip().splitlines()[-1])
        apply = timed([ctk, "apply", "--base", base, "--patch", patch, "--output", output,
                       "--no-progress"], RUNS, output)
        timed([ctk, "verify", "--patch", patch, "--base", base, "--tuned", output,
               "--unrounded", tuned, "--no-progress"])
        row(f"ctk --round {rounding}", os.path.getsize(patch), make, apply, first)
        notes.append(f"{rounding}: {report['total_bits']:.3f} bits in all, "
                     f"{report['index_bits']:.3f} positions, {report['value_bits']:.3f} values, "
                     f"{report['rounding']}")
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
    for name, (make, apply) in ({} if is_alone else tools).items():
        made, applied = timed(make), timed(apply, RUNS)
        assert filecmp.cmp(result, new, shallow=False), name
        row(name, os.path.getsize(patch), made, applied, first)
    print(f"\n{own['changed']:,} changed weights: {own['total_bits']:.3f} bits each in all, "
          f"{own['index_bits']:.3f} positions, {own['value_bits']:.3f} values; order-0 bound of "
          f"the positions {own['bound_bits']:.3f}", *notes, sep="\n", flush=True)


def main(arguments):
    is_alone = arguments[:1] == ["--ctk-only"]
    arguments = arguments[is_alone:]
    if len(arguments) < 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        for tuned in arguments[2:]:
            compare(arguments[0], arguments[1], tuned.rstrip("/"), folder, is_alone)


if __name__ == "__main__":
    main(sys.argv[1:])
