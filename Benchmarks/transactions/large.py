"""Peak memory of ctk on a sharded checkpoint that does not fit it.

    python large.py CTK FOLDER [--gigabytes 8] [--changed 0.01] [--keep] [--reuse]

Makes a base of four shards and a tuned twin with that share of the weights
changed, exports the patch between them, compares, applies, reverts, and changes
the base in place and back.  Needs numpy and three times the checkpoint's size on
the disk.  Peak memory is the resident set's maximum, as the kernel reports it.
"""

import argparse
import filecmp
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import time

import numpy as np

SHARDS = 4


def tensors(byte_count):
    """Names and shapes of a shard: one tensor of half its size, and eight others."""
    rows = byte_count // 2 // 4 // 4096
    yield "embeddings", (rows, 4096)
    for number in range(8):
        yield f"layer.{number}", (rows // 8, 4096)


def write_pair(folders, shard, byte_count, changed, weight_map):
    random = np.random.default_rng(shard)
    names = list(tensors(byte_count))
    header, offset = {}, 0
    for name, shape in names:
        end = offset + 4 * shape[0] * shape[1]
        full = f"shard.{shard}.{name}"
        header[full] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file_name = f"model-{shard + 1:05d}-of-{SHARDS:05d}.safetensors"
    files = [open(f"{folder}/{file_name}", "wb") for folder in folders]
    for file in files:
        file.write(struct.pack("<Q", len(text)) + text)
    for name, (rows, columns) in names:
        weight_map[f"shard.{shard}.{name}"] = file_name
        for first in range(0, rows, 1024):
            count = min(1024, rows - first) * columns
            weights = random.standard_normal(count, np.float32)
            weights *= np.float32(0.02)
            files[0].write(weights.tobytes())
            # All changes lie in half of the tensors, as they do in practice.
            if name == "embeddings" or int(name.split(".")[1]) % 2:
                places = random.integers(0, count, int(count * changed * 1.34))
                weights[places] += random.standard_normal(len(places), np.float32) * np.float32(1e-4)
            files[1].write(weights.tobytes())
    for file in files:
        file.close()


def make(folders, byte_count, changed):
    weight_map = {}
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    for shard in range(SHARDS):
        write_pair(folders, shard, byte_count // SHARDS, changed, weight_map)
    config = {"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 1,
              "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 8}
    for folder in folders:
        with open(folder + "/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        with open(folder + "/model.safetensors.index.json", "w", encoding="utf-8") as file:
            json.dump({"metadata": {"total_size": byte_count}, "weight_map": weight_map}, file)


def run(what, command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.communicate()
    if process.returncode:
        sys.exit(f"{what}: {errors.decode()}{output.decode()}")
    seconds = time.perf_counter() - start
    report = json.loads(output.decode().strip().splitlines()[-1])
    peak = report["peak_memory_bytes"] / 1e6
    print(f"| {what} | {peak:.0f} | {seconds:.0f} |", flush=True)
    return report


def same(left, right):
    names = sorted(os.listdir(left))
    return names == sorted(os.listdir(right)) and all(
        filecmp.cmp(f"{left}/{name}", f"{right}/{name}", shallow=False) for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctk")
    parser.add_argument("folder")
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--keep", action="store_true", help="leave the files there")
    parser.add_argument("--reuse", action="store_true", help="take the pair that is there")
    arguments = parser.parse_args()
    base, tuned = arguments.folder + "/base", arguments.folder + "/tuned"
    output, patch = arguments.folder + "/output", arguments.folder + "/task.ctkpatch"
    if not arguments.reuse:
        make([base, tuned], int(arguments.gigabytes * 1e9), arguments.changed)
    quiet = ["--json", "--no-progress"]
    print("| step | peak MB | seconds |\n| --- | --- | --- |")
    report = run("diff", [arguments.ctk, "diff", base, tuned, "--stored-names", *quiet])
    weights = report["weights"]
    print(f"changed {report['changed_weights']:,} of {weights:,}", file=sys.stderr)
    report = run("export", [arguments.ctk, "export-delta", "--base", base, "--tuned", tuned,
                             "--stored-names", "--output", patch, "--force", *quiet])
    print(f"patch {report['bytes']:,} bytes, {report['total_bits']:.2f} bits", file=sys.stderr)
    run("apply", [arguments.ctk, "apply", "--base", base, "--patch", patch, "--output", output,
                  "--force", *quiet])
    assert same(output, tuned)
    run("apply in place", [arguments.ctk, "apply", "--base", base, "--patch", patch,
                           "--in-place", *quiet])
    assert same(base, tuned)
    run("revert in place", [arguments.ctk, "revert", "--model", base, "--patch", patch,
                            "--in-place", *quiet])
    run("revert", [arguments.ctk, "revert", "--model", tuned, "--patch", patch, "--output",
                   output, "--force", *quiet])
    assert same(output, base)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest of all processes: {children / 1e3:.0f} MB", file=sys.stderr)
    if not arguments.keep:
        for path in (base, tuned, output):
            shutil.rmtree(path)
        os.remove(patch)


if __name__ == "__main__":
    main()
