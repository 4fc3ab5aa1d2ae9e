"""Runs `ctk bench` and PyTorch in turn on the same shapes and prints a Markdown table.

    python peers.py --ctk ctk --python python --shapes minilm,bert-base --lengths 64,128 \\
        --batch-sizes 16 --rounds 3 --json out.json

Each round runs both programs once on every shape, so that a change of the machine's
speed meets both; medians of the rounds are told. Needs torch and transformers for PYTHON.
"""

import argparse
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
# ctk's stage, the peer's stage, and what the ratio means
PAIRS = [("step", "step", "all weights in PyTorch"),
         ("step", "child-step", "the child in PyTorch"),
         ("fisher", "fisher-batch", "Fisher, per batch in PyTorch"),
         ("fisher", "fisher-single", "Fisher, batch of one in PyTorch"),
         ("evaluate", "evaluate", "evaluation")]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--ctk", default="ctk")
    p.add_argument("--python", default="python3")
    p.add_argument("--shapes", default="minilm")
    p.add_argument("--lengths", default="64,128")
    p.add_argument("--batch-sizes", default="16")
    p.add_argument("--keep", default="0.1")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--inner-rounds", default="3", help="timed runs of a stage in one round")
    p.add_argument("--threads", default="2")
    p.add_argument("--bf16", action="store_true",
                   help="multiply in bfloat16 on both sides: PyTorch autocasts")
    p.add_argument("--recompute", action="store_true", help="let ctk run layers again")
    p.add_argument("--json", help="write every measurement here")
    return p.parse_args()


def told(command):
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout.splitlines()[-1])


def measure(args, shape, length, size):
    common = ["--shape", shape, "--rounds", args.inner_rounds, "--threads", args.threads,
              "--keep", args.keep]
    ours = told([args.ctk, "bench", "--json", "--quiet", "--lengths", length, "--batch-sizes",
                 size, *common, *(["--recompute"] if args.recompute else []),
                 *(["--precision", "bf16"] if args.bf16 else [])])
    theirs = told([args.python, os.path.join(HERE, "torch_step.py"), "--length", length,
                   "--batch-size", size, *common, *(["--bf16"] if args.bf16 else [])])
    return ours, theirs


def row(shape, length, size, rounds):
    tokens = int(length) * int(size)
    ours = {stage["stage"]: statistics.median(
        stage_of(o, stage["stage"])["seconds"] for o, _ in rounds) for stage in rounds[0][0]["stages"]}
    share = statistics.median(stage_of(o, "step")["of_ceiling"] for o, _ in rounds)
    cells = [shape, length, size, f"{tokens / ours['step']:.0f}", f"{100 * share:.0f} %"]
    for mine, peer, _ in PAIRS:
        theirs = statistics.median(t["seconds"][peer] for _, t in rounds)
        cells.append(f"{theirs / ours[mine]:.2f}")
    memory = [statistics.median(r[side]["peak_memory_bytes"] for r in rounds) for side in (0, 1)]
    return cells + [f"{memory[0] / 1e6:.0f}", f"{memory[1] / 1e6:.0f}"]


def stage_of(result, name):
    return next(stage for stage in result["stages"] if stage["stage"] == name)


def main():
    args = arguments()
    cases = [(shape, length, size) for shape in args.shapes.split(",")
             for length in args.lengths.split(",") for size in args.batch_sizes.split(",")]
    measured = {case: [] for case in cases}
    for _ in range(args.rounds):
        for case in cases:
            measured[case].append(measure(args, *case))
    titles = ["shape", "length", "batch", "ctk tokens/s", "of ceiling",
              *(f"times {what}" for _, _, what in PAIRS), "ctk MB", "PyTorch MB"]
    print("| " + " | ".join(titles) + " |")
    print("|" + " --- |" * len(titles))
    for case in cases:
        print("| " + " | ".join(row(*case, measured[case])) + " |")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as handle:
            json.dump([{"shape": s, "length": l, "batch_size": b, "rounds": measured[s, l, b]}
                       for s, l, b in cases], handle, indent=1)


if __name__ == "__main__":
    main()
