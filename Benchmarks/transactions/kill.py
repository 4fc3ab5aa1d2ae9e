"""Real kill -9 of changes in place, at random moments or at every system call.

    python kill.py CTK [--trials 1000] [--seed 1] [--every-call]

Each trial starts ctk apply, switch or revert with --in-place on a small model and
kills it after a random part of the time it takes, or, with --every-call (needs
strace), at its n-th system call that touches files, for every n.  Then the same
command runs again.  The model must be byte for byte as it was or as it is to be,
with nothing left beside it.  Needs numpy.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

CALLS = "openat,write,pwrite64,fsync,rename,renameat2,unlink,flock"
LAYOUTS = ("single", "sharded")


def save(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": array.shape,
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())


def make_state(folder, layout, tensors, config):
    os.makedirs(folder)
    with open(folder + "/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    if layout == "single":
        save(folder + "/model.safetensors", tensors)
        return
    shards = {f"model-{number:05d}-of-00002.safetensors": {
        name: array for name, array in tensors.items() if (name < "c") == (number == 1)}
        for number in (1, 2)}
    for name, part in shards.items():
        save(folder + "/" + name, part)
    with open(folder + "/model.safetensors.index.json", "w", encoding="utf-8") as file:
        json.dump({"metadata": {"total_size": sum(a.nbytes for a in tensors.values())},
                   "weight_map": {t: n for n, part in shards.items() for t in part}}, file)


def make(root, layout):
    """The base and two tasks: changed weights, another head, another config.json."""
    generator = np.random.default_rng(1)
    base = {name: generator.standard_normal((256, 512), np.float32) for name in "abcd"}
    for task in (0, 1, 2):
        tensors = dict(base)
        for name in "abd" if task else "":
            changed = base[name].copy()
            places = generator.integers(0, changed.size, changed.size // 50)
            changed.reshape(-1)[places] += np.float32(0.001)
            tensors[name] = changed
        if task:
            tensors["head"] = generator.standard_normal((task + 1, 512), np.float32)
        make_state(f"{root}/{layout}-{task}", layout, tensors, {"task": task})


def contents(folder):
    """Files by name; a shard index that was written anew need not have its old spaces."""
    result = {}
    for name in os.listdir(folder):
        with open(f"{folder}/{name}", "rb") as file:
            data = file.read()
        result[name] = json.loads(data) if name.endswith(".index.json") else data
    return result


class Bench:
    def __init__(self, ctk, root):
        self.ctk, self.root = ctk, root
        for layout in LAYOUTS:
            make(root, layout)
            for task in (1, 2):
                self.check([ctk, "export-delta", "--base", f"{root}/{layout}-0", "--tuned",
                            f"{root}/{layout}-{task}", "--stored-names", "--output",
                            f"{root}/{layout}-{task}.ctkpatch", "-q"])

    @staticmethod
    def check(command):
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr.decode()}")

    def change(self, layout, what):
        """The command, the states before and after, and the code of a repetition."""
        first, second = (f"{self.root}/{layout}-{task}.ctkpatch" for task in (1, 2))
        model = self.root + "/model"
        return {
            "apply": (["apply", "--base", model, "--patch", first], 0, 1,
                      "patch.already-applied"),
            "switch": (["switch", "--model", model, "--from", first, "--to", second], 1, 2,
                       "patch.already-applied"),
            "revert": (["revert", "--model", model, "--patch", second], 2, 0,
                       "patch.not-applied"),
        }[what]

    def state(self, layout):
        """Which state the model is in, file by file; None for none of them."""
        found = contents(self.root + "/model")
        for task in (0, 1, 2):
            if found == contents(f"{self.root}/{layout}-{task}"):
                return task
        return None

    def trial(self, layout, what, kill):
        """One kill and one repetition; what the kill left behind."""
        arguments, before, after, repeated = self.change(layout, what)
        model = self.root + "/model"
        shutil.rmtree(model, ignore_errors=True)
        shutil.copytree(f"{self.root}/{layout}-{before}", model)
        command = [self.ctk, *arguments, "--in-place", "--json", "--no-progress"]
        was_killed = kill(command)
        has_journal = os.path.exists(model + "/ctk-journal")
        left = self.state(layout)
        if not has_journal and left not in (before, after):
            names = set(os.listdir(model)) - set(os.listdir(f"{self.root}/{layout}-{before}"))
            assert all("partial-" in name or name.endswith(".ctk-staged") for name in names), names
        again = subprocess.run(command, capture_output=True, check=False)
        report = json.loads(again.stdout.decode().strip().splitlines()[-1])
        code = report.get("error", {}).get("code")
        assert code in (None, repeated), report
        assert self.state(layout) == after, (layout, what, os.listdir(model))
        outcome = "journal stood" if has_journal else "done" if left == after else "old model"
        return was_killed, outcome


def at_random(duration, generator):
    def kill(command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * duration[0] * 1.1)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    return kill


def at_call(number):
    def kill(command):
        traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + CALLS, "-e",
                  f"inject={CALLS}:signal=KILL:when={number}", *command]
        done = subprocess.run(traced, capture_output=True, check=False)
        return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    return kill


def run_random(bench, trials, seed):
    generator = random.Random(seed)
    counts = collections.Counter()
    durations = {}
    for number in range(trials):
        layout = LAYOUTS[number % 2]
        what = ("apply", "switch", "revert")[number // 2 % 3]
        duration = durations.setdefault((layout, what), [0.0])
        if number % 60 < 6 or not duration[0]:
            # The time a change takes, measured now and then: the machine may be busy.
            start = time.perf_counter()
            bench.trial(layout, what, lambda command: subprocess.run(
                command, capture_output=True, check=False).returncode != 0)
            duration[0] = (time.perf_counter() - start) / 2
        was_killed, outcome = bench.trial(layout, what, at_random(duration, generator))
        counts["killed" if was_killed else "too late to kill"] += 1
        counts[f"{what}: {outcome}"] += 1
        if number % 100 == 99:
            print(number + 1, dict(counts), file=sys.stderr, flush=True)
    return counts


def run_every_call(bench):
    counts = collections.Counter()
    for layout in LAYOUTS:
        for what in ("apply", "switch", "revert"):
            number = 1
            while True:
                was_killed, outcome = bench.trial(layout, what, at_call(number))
                if not was_killed:
                    break
                counts["killed"] += 1
                counts[f"{what}: {outcome}"] += 1
                number += 1
            print(layout, what, number - 1, file=sys.stderr, flush=True)
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ctk")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-call", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(os.path.abspath(arguments.ctk), root)
        counts = (run_every_call(bench) if arguments.every_call
                  else run_random(bench, arguments.trials, arguments.seed))
    print("| what | trials |\n| --- | --- |")
    for name, count in sorted(counts.items()):
        print(f"| {name} | {count} |")


if __name__ == "__main__":
    main()
