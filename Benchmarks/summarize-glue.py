"""Prints the table of a minilm-glue.sh or methods-glue.sh output folder as Markdown."""
import collections
import json
import pathlib
import statistics
import sys

METHODS = ["vanilla", "child-d", "child-f", "top-k", "weight-decay", "mixout", "recadam", "r3f"]

folder = pathlib.Path(sys.argv[1])
groups = collections.defaultdict(list)
for path in sorted(folder.glob("*-[0-9].json")):
    task, method = path.stem.rsplit("-", 1)[0].split("-", 1)
    if not path.stat().st_size:
        continue
    result = json.loads(path.read_text())
    patch_report = folder / (path.stem + ".patch.json")
    if not patch_report.exists() or not patch_report.stat().st_size:
        continue
    patch = json.loads(patch_report.read_text())
    groups[task, method].append((result, patch))


def spread(values, digits=4):
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


print("| task | method | seeds | metric | tokens/s | training s | peak MB | patch MB | bits/change |")
print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
for task in ("mrpc", "cola", "stsb", "rte"):
    found = [method for name, method in groups if name == task]
    order = {method: place for place, method in enumerate(METHODS)}
    for method in sorted(found, key=lambda name: (order.get(name, len(order)), name)):
        runs = groups[task, method]
        names = list(runs[0][0]["metrics"])
        metrics = ", ".join(
            f"{name} {spread([r['metrics'][name] for r, _ in runs])}" for name in names)
        print(
            f"| {task} | {method} | {len(runs)} | {metrics} "
            f"| {statistics.median(r['tokens_per_second'] for r, _ in runs):.0f} "
            f"| {statistics.median(r['seconds'] for r, _ in runs):.0f} "
            f"| {max(r['peak_memory_bytes'] for r, _ in runs) / 1e6:.0f} "
            f"| {statistics.mean(p['bytes'] for _, p in runs) / 1e6:.2f} "
            f"| {statistics.mean(p['total_bits'] for _, p in runs):.2f} |")
