#!/usr/bin/env bash
# Fine-tunes all-MiniLM-L6-v2 on MRPC, CoLA, STS-B and RTE, child-d and vanilla,
# and exports every run as a patch. A run that is finished is not repeated.
#
# usage: minilm-glue.sh BASE GLUE OUTPUT     (ctk on the path, or CTK=path)
#   BASE    the model as ctk import wrote it
#   GLUE    folder with MRPC, CoLA, STS-B and RTE
#   OUTPUT  where results go; summarize-glue.py makes the table from it
set -euo pipefail

base=$1 glue=$2 output=$3
ctk=${CTK:-ctk}
mkdir -p "$output"

run() {
  local task=$1 data=$2 method=$3 seed=$4
  local name=$output/$task-$method-$seed
  [ -s "$name.json" ] && return
  "$ctk" finetune --base "$base" --task "$task" --data "$glue/$data" --method "$method" \
    --seed "$seed" --output "$name" --force --json --no-progress \
    >"$name.json.partial" 2>"$name.events"
  "$ctk" export-delta --base "$base" --run "$name" --output "$name.patch" --force --json \
    >"$name.patch.json"
  mv "$name.json.partial" "$name.json"
}

for seed in 1 2 3; do
  for method in child-d vanilla; do
    run mrpc MRPC $method $seed
    run cola CoLA $method $seed
  done
done
for method in child-d vanilla; do
  run stsb STS-B $method 1
  run rte RTE $method 1
done
