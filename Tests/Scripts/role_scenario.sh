#!/usr/bin/env bash
# Has the service do, on a real API server, everything that it asks of the cluster.
#   role_scenario.sh SERVICE_URL SERVICE_KEY_FILE
# $KUBECONFIG is an administrator's. The service runs with an idle time-out of 12 s and an orphan grace of 11 s.
set -euo pipefail
url=$1 key=$(cat "$2") namespace=agentweaver
first=3f2a9c1e-0000-4000-8000-000000000001 second=4f2a9c1e-0000-4000-8000-000000000002
operator=$(kubectl create token preview-operator -n $namespace --audience preview-gateway)

fail() { echo "$*" >&2; exit 1; }
kube() { kubectl -n $namespace "$@"; }
# call STATUS BEARER METHOD PATH [BODY]: prints the answer's body.
call() {
    local wanted=$1 bearer=$2 method=$3 path=$4 body=${5:-} answer
    answer=$(curl -sS -w '\n%{http_code}' -X "$method" -H "Authorization: Bearer $bearer" \
        ${body:+-H 'Content-Type: application/json' -d "$body"} "$url$path")
    [[ ${answer##*$'\n'} == "$wanted" ]] || fail "$method ${path%%/sandbox*} answered $answer, expected $wanted"
    echo "${answer%$'\n'*}"
}
# until SECONDS WHAT COMMAND…: repeats the command until it succeeds.
until_true() {
    local limit=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@"; do
        ((SECONDS < end)) || fail "not within $limit s: $what"
        sleep 0.2
    done
}
member() { python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# sandbox RUN LABELLED: claim, Sandbox and pod of a run as agent-sandbox leaves them; an older one does not label the pod.
sandbox() {
    local run=$1 labelled=$2 name claim_uid label=
    name=agent-$(tr -d - <<<"$run" | cut -c1-12)
    kube create -f - >/dev/null <<CLAIM
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxClaim
metadata: {name: $name, annotations: {agentweaver.dev/run-id: $run, agentweaver.dev/run-owner: ada}}
spec: {warmPoolRef: {name: test}}
CLAIM
    claim_uid=$(kube get sandboxclaim "$name" -o 'jsonpath={.metadata.uid}')
    [[ $labelled == no ]] || label="agents.x-k8s.io/claim-uid: $claim_uid"
    kube create -f - >/dev/null <<SANDBOX
apiVersion: agents.x-k8s.io/v1beta1
kind: Sandbox
metadata:
  name: $name
  ownerReferences: [{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, name: $name,
    uid: $claim_uid, controller: true}]
spec: {podTemplate: {spec: {containers: [{name: app, image: app}]}}}
SANDBOX
    kube create -f - >/dev/null <<POD
apiVersion: v1
kind: Pod
metadata:
  name: $name
  labels: {app: agentweaver-sandbox, $label}
  ownerReferences: [{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, name: $name,
    uid: $(kube get sandbox "$name" -o 'jsonpath={.metadata.uid}'), controller: true}]
spec: {containers: [{name: app, image: app}]}
POD
    kube patch pod "$name" --subresource=status --type=merge -p '{"status": {"phase": "Running"}}' >/dev/null
    kube patch sandboxclaim "$name" --subresource=status --type=merge -p '{"status": {"sandbox": {"name": "'"$name"'"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}' >/dev/null
}

echo "an agent's preview: asked for, approved for every run, kept alive, listed, stopped"
sandbox $first yes
call 200 "$key" POST /api/runs/$first/sandbox/preview '{"target_port": 3000}' >"$2.answer" &
asked=$!
request=
pending() {
    request=$(kube get sandboxclaim "agent-3f2a9c1e0000" -o json \
        | python3 -c 'import json,sys; print(*[k.split("/approval.")[1] for k in json.load(sys.stdin)["metadata"].get("annotations", {}) if "/approval." in k])')
    [[ -n $request ]]
}
until_true 20 "a request for approval" pending
call 200 "$operator" POST /api/runs/$first/tool-approvals '{"request_id": "'"$request"'", "scope": "always"}' >/dev/null
wait $asked
token=$(member session_id <"$2.answer")
sleep 3
call 200 "$operator" POST "/api/runs/$first/sandbox/preview/$token/keepalive" >/dev/null
call 200 "$operator" GET /api/runs/$first/sandbox/port-forward >/dev/null
{ curl -sS --max-time 3 -H "Authorization: Bearer $operator" "$url/api/runs/$first/preview-events" || true; } \
    | grep -q preview.started || fail "the event stream does not say that the preview was started"
call 200 "$operator" DELETE "/api/runs/$first/sandbox/port-forward/$token" >/dev/null

echo "what nobody has heard of"
call 404 "$operator" DELETE "/api/runs/$first/sandbox/port-forward/$token" >/dev/null
call 404 "$operator" POST "/api/runs/$first/sandbox/preview/$token/keepalive" >/dev/null
call 409 "$operator" POST /api/runs/5f2a9c1e-0000-4000-8000-000000000003/sandbox/port-forward '{"target_port": 3000}' >/dev/null

echo "a pod without the label of its claim"
sandbox $second no
call 200 "$operator" POST /api/runs/$second/sandbox/port-forward '{"target_port": 3001}' >/dev/null

echo "what the reaper takes back: an idle preview, one whose pod is gone, half of one"
call 200 "$operator" POST /api/runs/$first/sandbox/port-forward '{"target_port": 3002}' >/dev/null
half=$(call 200 "$operator" POST /api/runs/$first/sandbox/port-forward '{"target_port": 3003}' | member session_id)
kube delete httproute "preview-$half" >/dev/null
kube delete pod agent-4f2a9c1e0000 --force --grace-period=0 >/dev/null 2>&1
no_previews() { [[ -z $(kube get httproutes,services -o name -l agentweaver.dev/preview=true) ]]; }
until_true 60 "the end of all previews" no_previews
