#!/usr/bin/env bash
# Says of objects what a kubelet and the Gateway API's controllers would say, on an API server that has neither. Ends when
# its input does.
#   stand_in_controllers.sh NAMESPACE
set -uo pipefail
namespace=$1
kube() { kubectl -n "$namespace" "$@" >/dev/null 2>&1; }
now=2026-01-01T00:00:00Z
conditions() {
    local kind list=''
    for kind in "$@"; do
        list+='{"type": "'$kind'", "status": "True", "reason": "'$kind'", "message": "", "lastTransitionTime": "'$now'"},'
    done
    echo "[${list%,}]"
}
until read -r -t 0.3 || (($? <= 128)); do
    kube patch gateway agentweaver-preview-gateway --subresource=status --type=merge -p '{"status": {"addresses":
        [{"type": "IPAddress", "value": "192.0.2.1"}], "conditions": '"$(conditions Accepted Programmed)"'}}'
    kube patch httproute preview-gateway --subresource=status --type=merge -p '{"status": {"parents": [{"parentRef":
        {"name": "agentweaver-gateway"}, "controllerName": "example.com/gateways",
        "conditions": '"$(conditions Accepted ResolvedRefs)"'}]}}'
    kube patch httproute ended-previews --subresource=status --type=merge -p '{"status": {"parents": [{"parentRef":
        {"name": "agentweaver-preview-gateway"}, "controllerName": "example.com/gateways",
        "conditions": '"$(conditions Accepted ResolvedRefs)"'}]}}'
    for pod in $(kubectl -n "$namespace" get pods -l app.kubernetes.io/name=preview-gateway \
        -o 'jsonpath={.items[?(@.status.phase=="Pending")].metadata.name}' 2>/dev/null); do
        kube patch pod "$pod" --subresource=status --type=merge \
            -p '{"status": {"phase": "Running", "conditions": '"$(conditions Ready)"'}}'
    done
    # What was told to end has ended.
    for pod in $(kubectl -n "$namespace" get pods -l app.kubernetes.io/name=preview-gateway \
        -o 'jsonpath={range .items[?(@.metadata.deletionTimestamp)]}{.metadata.name} {end}' 2>/dev/null); do
        kube delete pod "$pod" --force --grace-period=0
    done
done
