#!/usr/bin/env bash
# Builds with feature `cuda`, checks that a card computes the losses of the CPU, times it against PyTorch on the same card and appends the
# table to docs/benchmarks.md. Needs Rust and `pip install torch numpy`, PyTorch in a build for CUDA.
#
#   benches/gpu.sh [case ...]             on the first card; DEVICE=cuda:1 for another
#   DEVICE=cpu benches/gpu.sh [case ...]  the same checks and rows on the CPU, to see that they work; writes nothing
set -euo pipefail
cd "$(dirname "$0")/.."
device=${DEVICE:-cuda:0}

if [[ $device == cpu ]]; then
  [[ $# -gt 0 ]] || set -- "cnn 128 sgd" "cnn 128 ssp_adm_lesam"
  exec python3 benches/card.py --device cpu --rounds 3 "$@"
fi

cards=$(python3 -c 'import torch; print(torch.cuda.device_count())') || {
  echo "benches/gpu.sh: PyTorch is needed to compare with: pip install torch numpy; nothing was measured" >&2
  exit 1
}
if ! [[ $device =~ ^cuda:[0-9]+$ ]] || (( ${device#cuda:} >= cards )); then
  echo "benches/gpu.sh: no device \`$device\`: PyTorch sees $cards NVIDIA card(s), counted from cuda:0; nothing was measured" >&2
  exit 1
fi
exec python3 benches/card.py --device "$device" --write "$@"
