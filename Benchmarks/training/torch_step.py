"""Times a training step, a Fisher pass and an evaluation of a BERT shape in PyTorch.

    python torch_step.py --shape minilm --length 64 --batch-size 16 --rounds 5 --threads 2

The counterpart of `ctk bench`: random tokens without padding, f32 or bf16 autocast,
AdamW over all weights ("step"), or with the gradient of a child masked before the moments
("child-step"). Prints one JSON object: median seconds of each stage, and peak memory.
"""

import argparse
import json
import os
import resource
import statistics
import time

SHAPES = {"minilm": (6, 384, 12), "bert-base": (12, 768, 12), "bert-large": (24, 1024, 16)}
STAGES = ["step", "child-step", "fisher-batch", "fisher-single", "evaluate"]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--shape", choices=SHAPES, default="minilm")
    p.add_argument("--length", type=int, default=64)
    p.add_argument("--batch-size", type=int, default=16)
    p.add_argument("--keep", type=float, default=0.1)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    p.add_argument("--stages", default=",".join(STAGES))
    return p.parse_args()


ARGS = arguments()
# before the libraries read it
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(ARGS.threads)
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import BertConfig, BertForSequenceClassification

torch.set_num_threads(ARGS.threads)
torch.manual_seed(0)


def model():
    layers, width, heads = SHAPES[ARGS.shape]
    return BertForSequenceClassification(BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
        intermediate_size=4 * width))


def batch(size):
    ids = torch.randint(0, 30522, (size, ARGS.length))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids),
            "labels": torch.arange(size) % 2}


def encoder(net):
    return [p for n, p in net.named_parameters() if ".encoder.layer." in n]


class Stages:
    def __init__(self):
        self.net = model()
        self.batch = batch(ARGS.batch_size)

    def loss(self, items):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=ARGS.bf16):
            return self.net(**items).loss

    def train(self, masks):
        self.net.train()
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-6)

        def run():
            optimizer.zero_grad(set_to_none=True)
            self.loss(self.batch).backward()
            for weight, mask in masks:
                weight.grad.mul_(mask)
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            optimizer.step()
        return run

    def step(self):
        return self.train([])

    def child_step(self):
        return self.train([(p, (torch.rand_like(p) < ARGS.keep).float())
                           for p in encoder(self.net)])

    def fisher(self, batches):
        self.net.eval()
        weights = encoder(self.net)
        scores = [torch.zeros_like(p) for p in weights]

        def run():
            for items in batches:
                self.net.zero_grad(set_to_none=True)
                self.loss(items).backward()
                for score, weight in zip(scores, weights):
                    score.addcmul_(weight.grad, weight.grad)
        return run

    def fisher_batch(self):
        return self.fisher([self.batch])

    def fisher_single(self):
        return self.fisher([{k: v[i:i + 1] for k, v in self.batch.items()}
                            for i in range(ARGS.batch_size)])

    def evaluate(self):
        self.net.eval()
        items = {k: v for k, v in self.batch.items() if k != "labels"}

        def run():
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=ARGS.bf16):
                self.net(**items)
        return run


def median_seconds(run):
    run()
    seconds = []
    for _ in range(ARGS.rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


stages = Stages()
seconds = {name: median_seconds(getattr(stages, name.replace("-", "_"))())
           for name in ARGS.stages.split(",")}
print(json.dumps({
    "seconds": seconds, "torch": torch.__version__,
    "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
