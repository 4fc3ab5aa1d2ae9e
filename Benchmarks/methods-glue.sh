#!/usr/bin/env bash
# Fine-tunes a base with every method on CoLA (three seeds) and MRPC (one), exports every run
# as a patch and writes the table. A run that is finished is not repeated.
#
# usage: methods-glue.sh BASE GLUE OUTPUT    (ctk on the path, or CTK=path)
#   BASE    a model as ctk import wrote it, such as all-MiniLM-L6-v2
#   GLUE    folder with CoLA and MRPC
#   OUTPUT  where results go; the table is OUTPUT/methods.md
#
# For a quick look: EPOCHS=1 SEEDS=1 TASKS=mrpc METHODS='vanilla r3f' THREADS=1.
set -euo pipefail

base=$1 glue=$2 output=$3
ctk=${CTK:-ctk}
epochs=${EPOCHS:-3}
methods=${METHODS:-vanilla child-d child-f top-k weight-decay mixout recadam r3f \
  child-d+r3f child-d+mixout child-f+r3f child-d-reference child-f-reference}
mkdir -p "$output"

# Steps of the whole run, of which RecAdam's midpoint is a quarter: its default belongs to
# much longer runs.
steps() {
  case $1 in
    mrpc) echo $((230 * epochs)) ;;
    cola) echo $((535 * epochs)) ;;
  esac
}

run() {
  local task=$1 data=$2 method=$3 seed=$4
  local name=$output/$task-$method-$seed
  local options=(--method "${method%-reference}")
  [ -s "$name.json" ] && return
  case $method in
    *-reference) options+=(--profile reference --learning-rate 5e-5) ;;
    *recadam*) options+=(--recadam-midpoint $(($(steps "$task") / 4)) --recadam-rate 0.05) ;;
  esac
  "$ctk" finetune --base "$base" --task "$task" --data "$glue/$data" "${options[@]}" \
    --epochs "$epochs" --seed "$seed" --threads "${THREADS:-0}" --output "$name" --force --json \
    --no-progress >"$name.json.partial" 2>"$name.events"
  "$ctk" export-delta --base "$base" --run "$name" --output "$name.patch" --force --json \
    >"$name.patch.json"
  mv "$name.json.partial" "$name.json"
}

for task in ${TASKS:-cola mrpc}; do
  case $task in
    cola) data=CoLA seeds=${SEEDS:-1 2 3} ;;
    mrpc) data=MRPC seeds=${SEEDS:-1} ;;
    *) echo "methods-glue.sh: no task $task" >&2; exit 64 ;;
  esac
  for method in $methods; do
    for seed in $seeds; do run "$task" "$data" "$method" "$seed"; done
  done
done
python3 "$(dirname "$0")/summarize-glue.py" "$output" >"$output/methods.md"
cat "$output/methods.md"
