"""Times ctk's tokenizers beside the Rust library `tokenizers`, one core each, on the GLUE sentences.

    peers.py make --glue GLUE --wordpiece DIR --xlnet DIR --work DIR
    peers.py measure --ctk ctk --work DIR --rounds 9

`make` writes sentences.jsonl and three folders with a tokenizer.json: `wordpiece` is that of DIR;
`bpe` (RoBERTa's stages) and `unigram` (the stages of XLNet's tokenizer.json in DIR) are trained
on the sentences with --vocabulary tokens.

`measure` first compares every id; a difference ends it. Then each round encodes all sentences
with both programs in turn, and a Markdown table tells the medians. Both keep every encoding
until the clock stops; reading files and writing ids is outside it. ctk starts anew each round
and tells the seconds of its encoding (`ctk tokenize --summary`); the Rust library stays loaded
with its word cache full, and its texts are one list, encoded without offsets by
`encode_batch_fast`. `encode_batch` with offsets is told beside it.
"""

import argparse
import copy
import gc
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import AddedToken, Tokenizer, __version__, models, pre_tokenizers, processors, trainers

MODELS = ["wordpiece", "bpe", "unigram"]
# Task, files, whether they have a header, columns of the sentences
FILES = [("CoLA", ["train.tsv", "dev.tsv"], False, [3]),
         ("MRPC", ["msr_paraphrase_train.txt", "msr_paraphrase_test.txt"], True, [3, 4]),
         ("RTE", ["train.tsv", "dev.tsv"], True, [1, 2]),
         ("STS-B", ["train.tsv", "dev.tsv"], True, [7, 8])]


def sentences(glue):
    for task, names, has_header, columns in FILES:
        for name in names:
            lines = (glue / task / name).read_text(encoding="utf-8-sig").split("\n")
            for line in lines[has_header:]:
                fields = line.rstrip("\r").split("\t")
                yield from (fields[c] for c in columns if c < len(fields))


def train_bpe(texts, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer.to_str()


def train_unigram(texts, size, template):
    original = json.loads(template.read_text())
    # Pieces such as "." that some files add too would be drawn a second time from the texts.
    original["added_tokens"] = [
        token for token in original["added_tokens"] if token["content"].startswith("<")]
    special = [token["content"] for token in original["added_tokens"]]
    untrained = copy.deepcopy(original)
    untrained["added_tokens"] = []
    untrained["post_processor"] = None
    tokenizer = Tokenizer.from_str(json.dumps(untrained))
    tokenizer.train_from_iterator(texts, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False))
    original["model"] = json.loads(tokenizer.to_str())["model"]
    return json.dumps(original)


def make(args):
    texts = list(sentences(args.glue))
    args.work.mkdir(parents=True, exist_ok=True)
    with open(args.work / "sentences.jsonl", "w") as lines:
        for text in texts:
            lines.write(json.dumps({"text": text}) + "\n")
    for name in MODELS:
        (args.work / name).mkdir(exist_ok=True)
    shutil.copy(args.wordpiece / "tokenizer.json", args.work / "wordpiece")
    (args.work / "bpe/tokenizer.json").write_text(train_bpe(texts, args.vocabulary))
    (args.work / "unigram/tokenizer.json").write_text(
        train_unigram(texts, args.vocabulary, args.xlnet / "tokenizer.json"))


def tokenize(args, name, *options):
    command = [args.ctk, "tokenize", "--base", str(args.work / name), "--threads", "1",
               "--input", str(args.work / "sentences.jsonl"), *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def check(args, name, tokenizer, texts):
    found = [json.loads(line)["input_ids"] for line in tokenize(args, name).splitlines()]
    expected = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    if found != expected:
        place = next(i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1])
        raise SystemExit(f"{name}: {texts[place]!r}\n{found[place]}\n{expected[place]}")
    return sum(map(len, expected))


def seconds(encode, texts):
    gc.collect()
    start = time.perf_counter()
    kept = encode(texts)
    taken = time.perf_counter() - start
    del kept
    return taken


def measure(args):
    texts = [json.loads(line)["text"] for line in open(args.work / "sentences.jsonl")]
    loaded = {name: Tokenizer.from_file(str(args.work / name / "tokenizer.json"))
              for name in args.models}
    for tokenizer in loaded.values():
        tokenizer.no_padding()
        tokenizer.no_truncation()
    tokens = {name: check(args, name, loaded[name], texts) for name in args.models}
    rounds = {name: [] for name in args.models}
    for _ in range(args.rounds):
        for name, tokenizer in loaded.items():
            ours = json.loads(tokenize(args, name, "--summary", "--json"))
            assert ours["tokens"] == tokens[name]
            rounds[name].append((ours["seconds"], seconds(tokenizer.encode_batch_fast, texts),
                                 seconds(tokenizer.encode_batch, texts)))
    size = sum(len(text.encode()) for text in texts)
    print(f"tokenizers {__version__}, {len(texts):,} sentences, {size:,} bytes, "
          f"medians of {args.rounds} rounds\n")
    print("| model | tokens | ctk, M tokens/s | Rust, without offsets | Rust, with offsets "
          "| ctk / Rust without | lowest, highest round |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, measured in rounds.items():
        rates = [tokens[name] / statistics.median(column) / 1e6 for column in zip(*measured)]
        ratios = [fast / ours for ours, fast, _ in measured]
        print(f"| {name} | {tokens[name]:,} | {rates[0]:.2f} | {rates[1]:.2f} | {rates[2]:.2f} "
              f"| {statistics.median(ratios):.2f} | {min(ratios):.2f}, {max(ratios):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True)
    maker = commands.add_parser("make")
    maker.set_defaults(run=make)
    maker.add_argument("--glue", type=pathlib.Path, required=True)
    maker.add_argument("--wordpiece", type=pathlib.Path, required=True)
    maker.add_argument("--xlnet", type=pathlib.Path, required=True)
    maker.add_argument("--vocabulary", type=int, default=16000)
    measurer = commands.add_parser("measure")
    measurer.set_defaults(run=measure)
    measurer.add_argument("--ctk", default="ctk")
    measurer.add_argument("--rounds", type=int, default=9)
    measurer.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    for command in (maker, measurer):
        command.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.run(args)


main()
