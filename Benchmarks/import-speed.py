"""Time the import of a BERT-base-sized checkpoint beside copying, hashing and other converters.

    import-speed.py make --work DIR          tensorflow, tf-keras, transformers 4.46
    import-speed.py measure --ctk CTK --work DIR [--torch PYTHON] [--tensorflow PYTHON]

`make` writes random weights of bert-base's shape as `tf_model.h5` and as `model.safetensors`.
`measure` runs, in turn and as often as --repeat says, each in a process of its own:

    floor         cp of the source, then SHA-256 of the copy (openssl)
    ctk           ctk import
    transformers  TensorFlow weights into a PyTorch model, saved (h5); from_pretrained and
                  save_pretrained (safetensors)
    python        h5py, a transpose of the kernels, safetensors (h5); load_file and save_file

and prints the best wall time, the processor time (user and system) of that run, and the largest
resident memory of each. On a shared machine the processor time is the steadier figure.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time


def make(work):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import torch
    import transformers

    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    model = transformers.BertModel(transformers.BertConfig())
    model.save_pretrained(work / "pt")
    twin = transformers.TFBertModel.from_pretrained(work / "pt", from_pt=True)
    twin.save_pretrained(work / "tf")
    print("parameters", sum(p.numel() for p in model.parameters()))


TRANSFORMERS = {
    "h5": """
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"; os.environ["TF_USE_LEGACY_KERAS"] = "1"
import sys, transformers
transformers.BertModel.from_pretrained(sys.argv[1], from_tf=True).save_pretrained(sys.argv[2])
""",
    "safetensors": """
import sys, transformers
transformers.BertModel.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])
""",
}

PYTHON = {
    "h5": """
import os, sys, h5py, numpy, safetensors.numpy
tensors = {}
def visit(name, item):
    if isinstance(item, h5py.Dataset):
        value = item[()]
        tensors[name] = numpy.ascontiguousarray(value.T) if "kernel" in name else value
with h5py.File(sys.argv[1] + "/tf_model.h5") as file:
    file.visititems(visit)
os.makedirs(sys.argv[2])
safetensors.numpy.save_file(tensors, sys.argv[2] + "/model.safetensors")
""",
    "safetensors": """
import os, sys, safetensors.numpy
tensors = safetensors.numpy.load_file(sys.argv[1] + "/model.safetensors")
os.makedirs(sys.argv[2])
safetensors.numpy.save_file(tensors, sys.argv[2] + "/model.safetensors")
""",
}


def run(command):
    """Wall seconds, processor seconds and resident megabytes of one process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {command}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(arguments):
    output = arguments.work / "output"
    figures = {}
    for kind, folder, name in [("h5", "tf", "tf_model.h5"), ("safetensors", "pt", "model.safetensors")]:
        source = arguments.work / folder
        peer = arguments.tensorflow if kind == "h5" else arguments.torch
        copy = f"cp '{source / name}' '{output}' && openssl dgst -sha256 '{output}'"
        commands = {
            "floor": ["sh", "-c", copy],
            "ctk": [arguments.ctk, "import", source, "--output", output, "--quiet"],
            "transformers": [peer, "-c", TRANSFORMERS[kind], source, output],
            "python": [arguments.torch, "-c", PYTHON[kind], source, output],
        }
        for _ in range(arguments.repeat):
            for label, command in commands.items():
                if output.is_dir():
                    shutil.rmtree(output)
                output.unlink(missing_ok=True)
                figures.setdefault((kind, label), []).append(run([str(word) for word in command]))
    for (kind, label), runs in figures.items():
        seconds, processor, _ = min(runs)
        memory = max(run[2] for run in runs)
        floor = min(figures[kind, "floor"])
        print(f"{kind:12} {label:13} {seconds:7.2f} s {seconds / floor[0]:6.2f} x floor  "
              f"{processor:7.2f} s processor {processor / floor[1]:6.2f} x floor  {memory:7.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--ctk", default="ctk")
    parser.add_argument("--torch", default=sys.executable)
    parser.add_argument("--tensorflow", default=sys.executable)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    make(arguments.work) if arguments.step == "make" else measure(arguments)


main()
