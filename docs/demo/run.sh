#!/usr/bin/env bash
# The whole flow on the embedded model and task: import, mask, finetune,
# export-delta, apply, verify, revert, evaluate. `make demo` runs it.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
ctk=${CTK:-ctk}
work=${DEMO_FOLDER:-$root/demo}
fixtures=$root/fixtures/demo
task=(--task custom --train "$fixtures/task/train.tsv" --dev "$fixtures/task/dev.tsv")
recipe=(--epochs 3 --batch-size 16 --max-length 64)

step() { printf '\n== %s\n' "$*"; }
# The value of a field that occurs once in a JSON object.
field() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; }

rm -rf "$work"
mkdir -p "$work"
cd "$work"

step "import: HDF5 weights become the shared base"
base=$("$ctk" import "$fixtures/model" --output base --json | field fingerprint)
echo "base fingerprint  $base"

step "evaluate: the untuned base with a random head"
untuned=$("$ctk" evaluate --base base "${task[@]}" --max-length 64 --head-seed 1 --json | field accuracy)
echo "accuracy  $untuned"

step "mask: the tenth of the encoder with the highest Fisher information"
"$ctk" mask --base base "${task[@]}" --keep 0.1 --max-length 64 --output task.mask | tail -n 3

step "finetune: vanilla, every weight trains"
vanilla=$("$ctk" finetune --base base "${task[@]}" "${recipe[@]}" --method vanilla \
  --learning-rate 3e-4 --output run-vanilla --json 2>/dev/null | field accuracy)
echo "accuracy  $vanilla"

step "finetune: child-d, only the child, the pooler and the head train"
result=$("$ctk" finetune --base base "${task[@]}" "${recipe[@]}" --method child-d \
  --learning-rate 1e-3 --mask task.mask --output run --json 2>/dev/null)
child=$(echo "$result" | field accuracy)
tuned=$(echo "$result" | field fingerprint)
echo "accuracy  $child"
echo "tuned fingerprint  $tuned"

step "export-delta: what the child changed, as a patch"
"$ctk" export-delta --base base --run run --output task.ctkpatch
patch_bytes=$(wc -c <task.ctkpatch)
model_bytes=$(wc -c <base/model.safetensors)

step "apply: base + patch = tuned model"
applied=$("$ctk" apply --base base --patch task.ctkpatch --output tuned --json | field fingerprint)
echo "fingerprint  $applied"

step "verify: every digest of the patch, the base and the tuned model"
"$ctk" verify --patch task.ctkpatch --base base --tuned tuned

step "revert: tuned model - patch = base"
reverted=$("$ctk" revert --model tuned --patch task.ctkpatch --output base-again --json | field fingerprint)
echo "fingerprint  $reverted"

step "evaluate: the base with the patch put on in memory"
patched=$("$ctk" evaluate --base base --patch task.ctkpatch "${task[@]}" --max-length 64 --json | field accuracy)
echo "accuracy  $patched"

step "predict"
"$ctk" predict --base tuned "A fast-paced puzzle with falling blocks and network play."

[ "$applied" = "$tuned" ] || { echo "apply did not reproduce the tuned model" >&2; exit 1; }
[ "$reverted" = "$base" ] || { echo "revert did not restore the base" >&2; exit 1; }
[ "$patched" = "$child" ] || { echo "the patched base does not predict as the tuned model" >&2; exit 1; }
cmp base/model.safetensors base-again/model.safetensors
cmp base/config.json base-again/config.json

step "summary"
cat <<END
accuracy   untuned $untuned   vanilla $vanilla   child-tuned $child
size       patch $patch_bytes bytes, model $model_bytes bytes: $((100 * patch_bytes / model_bytes)) %
apply      reproduced the tuned fingerprint ${tuned:0:16}...
revert     restored the base, byte for byte  ${base:0:16}...
END
