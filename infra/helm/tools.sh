#!/bin/sh
# Builds helm, kube-score and the strict decoder of manifests into a folder (default .venv/bin), by Go's own module proxy.
# Nothing is done for what is there already. Needs Go 1.26 or later.
set -eu
cd "$(dirname "$0")/../.."
into=${1:-.venv/bin}
mkdir -p "$into"
into=$(cd "$into" && pwd)
[ -x "$into/helm" ] || CGO_ENABLED=0 GOBIN="$into" go install helm.sh/helm/v3/cmd/helm@v3.22.0
[ -x "$into/kube-score" ] || CGO_ENABLED=0 GOBIN="$into" go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0
[ "$into/sigill-manifests" -nt infra/helm/validate/main.go ] ||
  CGO_ENABLED=0 go build -C infra/helm/validate -o "$into/sigill-manifests" .
