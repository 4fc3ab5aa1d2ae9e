"""How long runs take to their first step, and how the first step compares to the next.

    python start.py --ctk ctk --ctk old/ctk --base base --mask mrpc.ctkmask \\
        --data glue/MRPC --rounds 9

Several builds run in turn. Prints medians and ranges of the seconds from the start of
`ctk finetune` to its first step, of the first step's time per token over the median of the
next eleven, and of the time and peak memory of a prediction of one text (`--tuned`).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

LATER_STEPS = 11


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--ctk", action="append", required=True, help="a build; may be repeated")
    p.add_argument("--base", required=True)
    p.add_argument("--mask", required=True)
    p.add_argument("--data", required=True, help="MRPC's folder")
    p.add_argument("--tuned", help="a tuned model, to predict with")
    p.add_argument("--rounds", type=int, default=9)
    return p.parse_args()


def begin(ctk, a, folder):
    """Seconds to the first step, and its time per token over the later steps'."""
    command = [ctk, "finetune", "--base", a.base, "--task", "mrpc", "--data", a.data,
               "--mask", a.mask, "--epochs", "1", "--seed", "1", "--output", folder, "--json"]
    start = time.time()
    run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    first = json.loads(run.stderr.readline())
    elapsed = time.time() - start
    later = [json.loads(run.stderr.readline()) for _ in range(LATER_STEPS)]
    run.kill()
    run.communicate()
    per_token = statistics.median(x["seconds"] / x["tokens"] for x in later)
    return elapsed - first["seconds"], first["seconds"] / first["tokens"] / per_token


def predict(ctk, tuned):
    """Seconds and peak megabytes of a prediction of one text."""
    start = time.time()
    run = subprocess.Popen([ctk, "predict", "--base", tuned, "One text.\tAnother."],
                           stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(run.pid, 0)
    if status:
        raise SystemExit(f"{ctk} predict failed")
    return time.time() - start, usage.ru_maxrss / 1024


def told(values, form):
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:{form}} ({low:{form}} to {high:{form}})"


def main():
    a = arguments()
    starts = {ctk: [] for ctk in a.ctk}
    predictions = {ctk: [] for ctk in a.ctk}
    folder = tempfile.mkdtemp()
    try:
        for _ in range(a.rounds):
            for ctk in a.ctk:
                starts[ctk].append(begin(ctk, a, os.path.join(folder, "run")))
                shutil.rmtree(os.path.join(folder, "run"))
                if a.tuned:
                    predictions[ctk].append(predict(ctk, a.tuned))
    finally:
        shutil.rmtree(folder)
    for ctk in a.ctk:
        seconds, ratios = zip(*starts[ctk])
        print(f"{ctk}: first step after {told(seconds, '.3f')} s, "
              f"{told(ratios, '.3f')} times the next")
        if a.tuned:
            seconds, megabytes = zip(*predictions[ctk])
            print(f"{ctk}: one text in {told(seconds, '.3f')} s, {told(megabytes, '.0f')} MB")


if __name__ == "__main__":
    main()
