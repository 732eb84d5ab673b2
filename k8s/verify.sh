#!/usr/bin/env bash
# Checks an installation of preview-gateway: its objects, a preview from start to stop, and requests that must be rejected.
#
#   k8s/verify.sh                      everything, through a port-forward
#   k8s/verify.sh --skip network,pods  without some groups of checks
#
# Exit status: 0 if every check passed or was skipped with a reason, otherwise 1.
set -euo pipefail

namespace=agentweaver api='' run='' port=3000 bearer_file='' key_file='' skip='' probe_image=busybox:1.36
groups="pods gateways routes role policies service smoke negatives network"
# The longest time for which a stopped preview's address may still serve, in seconds.
close_limit=15

usage() {
    cat <<USAGE
Usage: verify.sh [options]

  --namespace NAME      default agentweaver
  --api URL             the service's address; by default a port-forward to its Service
  --run RUN             the run for whose sandbox a preview is started; by default the first that a claim with a sandbox names
  --port PORT           the port of that preview; default 3000
  --bearer-file PATH    an operator's token; by default one of the ServiceAccount preview-operator
  --key-file PATH       the service key; by default the one in the secret preview-gateway
  --probe-image IMAGE   the image of the pod that tries to reach a sandbox; default $probe_image
  --skip GROUPS         groups of checks, separated by commas: $groups
USAGE
}

die() {
    printf 'verify.sh: %s\n' "$*" >&2
    exit 1
}
kube() { kubectl -n "$namespace" "$@"; }

while (($#)); do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
    esac
    [[ $# -ge 2 && -n $2 ]] || die "$1 needs a value, or is unknown; --help lists the options"
    case $1 in
        --namespace) namespace=$2 ;;
        --api) api=${2%/} ;;
        --run) run=$2 ;;
        --port) port=$2 ;;
        --bearer-file) bearer_file=$2 ;;
        --key-file) key_file=$2 ;;
        --probe-image) probe_image=$2 ;;
        --skip) skip=$2 ;;
        *) die "unknown argument '$1'; --help lists them" ;;
    esac
    shift 2
done
for name in ${skip//,/ }; do
    [[ " $groups " == *" $name "* ]] || die "--skip: there is no group '$name'"
done

work=$(mktemp -d)
chmod 700 "$work"
forward='' open_token='' probe_pod=''
cleanup() {
    if [[ -n $open_token ]]; then request "$work/operator" DELETE "/api/runs/$run/sandbox/port-forward/$open_token" || true; fi
    if [[ -n $probe_pod ]]; then kube delete pod "$probe_pod" --wait=false >/dev/null 2>&1 || true; fi
    end_forward
    rm -rf "$work"
}
end_forward() {
    [[ -n $forward ]] || return 0
    kill "$forward" 2>/dev/null || true
    wait "$forward" 2>/dev/null || true
    forward=''
}
trap cleanup EXIT

failures=0 skipped=0
pass() { printf '✓ %s\n' "$*"; }
failed() {
    failures=$((failures + 1))
    printf '✗ %s\n' "$*"
}
skipping() {
    skipped=$((skipped + 1))
    printf -- '– %s\n' "$*"
}
# check WHAT FIX COMMAND…: the check passes if the command succeeds.
check() {
    local what=$1 fix=$2
    shift 2
    if "$@"; then pass "$what"; else failed "$what; fix: $fix"; fi
}

# request HEADERS METHOD PATH [BODY]: stores the status in $status and the body in $work/body. HEADERS is a file with header
# fields, so that no token is in an argument; empty for none.
status=''
request() {
    local headers=$1 method=$2 path=$3 body=${4:-} options=()
    [[ -z $headers ]] || options+=(-H "@$headers")
    [[ -z $body ]] || options+=(-H 'Content-Type: application/json' -d "$body")
    status=$(curl -sS -m 60 -o "$work/body" -w '%{http_code}' -X "$method" "${options[@]+"${options[@]}"}" "$api$path") \
        || status=none
}
# member NAME: a member of the last response, which must be a flat JSON object.
member() { sed -n 's/.*"'"$1"'" *: *"\{0,1\}\([^",}]*\).*/\1/p' "$work/body" | head -1; }
answered() {
    [[ $status == "$1" ]] || {
        printf '  answered %s: %s\n' "$status" "$(sed 's/[a-z0-9-]*-[a-z2-7]\{26\}[^ "]*/…/g' "$work/body" 2>/dev/null | head -c 300)"
        return 1
    }
}

# MARK: groups

pods() {
    local ready wanted
    ready=$(kube get deployment preview-gateway -o 'jsonpath={.status.availableReplicas}' 2>/dev/null) || ready=''
    wanted=$(kube get deployment preview-gateway -o 'jsonpath={.spec.replicas}' 2>/dev/null) || wanted=none
    check "pods: ${ready:-0} of $wanted replicas are available" \
        "kubectl -n $namespace describe pods -l app.kubernetes.io/name=preview-gateway" all_available "${ready:-0}" "$wanted"
}

all_available() { [[ $1 == "$2" && $2 != 0 ]]; }

# condition KIND NAME JSONPATH: whether a condition is True.
condition() { [[ $(kube get "$1" "$2" -o "jsonpath=$3" 2>/dev/null) =~ ^True(\ True)*$ ]]; }

gateways() {
    check "gateways: agentweaver-preview-gateway is Programmed" \
        "kubectl -n $namespace describe gateway agentweaver-preview-gateway" \
        condition gateway agentweaver-preview-gateway '{.status.conditions[?(@.type=="Programmed")].status}'
    local zone hostnames
    zone=$(setting Sandbox__Preview__ZoneSuffix)
    if [[ -z $zone ]]; then
        skipping "gateways: the zone is unknown, because there is no Deployment with settings"
        return
    fi
    hostnames=$(kube get gateway agentweaver-preview-gateway -o 'jsonpath={.spec.listeners[*].hostname}' 2>/dev/null) || true
    check "gateways: a listener has the hostname *.$zone" "k8s/deploy.sh --image IMAGE --zone ZONE" \
        contains " $hostnames " " *.$zone "
}
contains() { [[ $1 == *"$2"* ]]; }

# setting KEY: the setting's value in the ConfigMap of the Deployment.
setting() {
    local map
    map=$(kube get deployment preview-gateway \
        -o 'jsonpath={.spec.template.spec.containers[0].envFrom[0].configMapRef.name}' 2>/dev/null) || return 0
    [[ -z $map ]] || kube get configmap "$map" -o "jsonpath={.data.$1}" 2>/dev/null || true
}

routes() {
    local kind
    for kind in Accepted ResolvedRefs; do
        check "routes: HTTPRoute preview-gateway is $kind by the main Gateway" \
            "kubectl -n $namespace describe httproute preview-gateway" \
            condition httproute preview-gateway "{.status.parents[*].conditions[?(@.type==\"$kind\")].status}"
    done
    check "routes: HTTPRoute preview-gateway has the prefix /api/runs" "k8s/deploy.sh --image IMAGE" \
        test "$(kube get httproute preview-gateway -o 'jsonpath={.spec.rules[0].matches[0].path.value}' 2>/dev/null)" = /api/runs
    check "routes: HTTPRoute ended-previews is Accepted by the preview Gateway" \
        "kubectl -n $namespace describe httproute ended-previews" \
        condition httproute ended-previews '{.status.parents[*].conditions[?(@.type=="Accepted")].status}'
}

# may yes|no VERB RESOURCE: whether the API server's answer about the service's permission is the expected one.
may() {
    local answer
    answer=$(kube auth can-i "$2" "$3" --as "system:serviceaccount:$namespace:preview-gateway" 2>/dev/null) || true
    [[ $answer == "$1" ]] || {
        printf '  %s %s: %s\n' "$2" "$3" "${answer:-no answer}"
        return 1
    }
}

role() {
    if [[ $(kube auth can-i impersonate serviceaccounts 2>/dev/null) != yes ]]; then
        skipping "role: you lack permission to impersonate ServiceAccounts, so the service's permissions cannot be checked"
        return
    fi
    local rule verb missing=0 extra=0
    for rule in get,list,watch,create,patch,delete:httproutes.gateway.networking.k8s.io \
        get,list,watch,create,delete:services get,list,watch,patch:pods create,list,watch:events \
        get,list,watch,patch:sandboxclaims.extensions.agents.x-k8s.io get,list,watch:sandboxes.agents.x-k8s.io \
        get,list,watch,patch:gateways.gateway.networking.k8s.io/agentweaver-preview-gateway \
        create:tokenreviews.authentication.k8s.io; do
        local verbs=${rule%%:*}
        for verb in ${verbs//,/ }; do may yes "$verb" "${rule#*:}" || missing=$((missing + 1)); done
    done
    check "role: the service has all required permissions" "kubectl apply -f k8s/base/rbac.yaml" test $missing = 0
    for rule in get:secrets create:pods delete:pods create:pods/exec update:services \
        delete:sandboxclaims.extensions.agents.x-k8s.io create:gateways.gateway.networking.k8s.io \
        create:rolebindings.rbac.authorization.k8s.io; do
        may no "${rule%%:*}" "${rule#*:}" || extra=$((extra + 1))
    done
    check "role: the service has no unnecessary permissions" \
        "kubectl -n $namespace get rolebindings -o wide | grep preview-gateway" test $extra = 0
}

policies() {
    local range low high selector fix="kubectl apply -n $namespace -f k8s/base/networkpolicy-sandbox.yaml"
    # A policy of the platform that selects its pods by other labels is corrected, and not replaced.
    selector=$(kube get networkpolicy sandbox-allow-preview-ingress -o 'jsonpath={.spec.podSelector}' 2>/dev/null | tr -d ' ') \
        && [[ $selector != '{"matchLabels":{"app":"agentweaver-sandbox"}}' ]] \
        && fix="kubectl edit -n $namespace networkpolicy sandbox-allow-preview-ingress"
    range=$(kube get networkpolicy sandbox-allow-preview-ingress \
        -o 'jsonpath={.spec.ingress[0].ports[0].port}-{.spec.ingress[0].ports[0].endPort}' 2>/dev/null) || range=none
    low=$(setting Sandbox__Preview__AllowedPortMin) high=$(setting Sandbox__Preview__AllowedPortMax)
    # The manifest has the default ports.
    [[ ${low:-3000}-${high:-9000} == 3000-9000 || $fix != *apply* ]] \
        || fix="write the settings' ports into the manifest, then: $fix"
    check "policies: sandbox-allow-preview-ingress admits ports ${low:-3000}-${high:-9000}" \
        "$fix" test "$range" = "${low:-3000}-${high:-9000}"
    check "policies: it admits the preview Gateway's pods only" "$fix" \
        test "$(kube get networkpolicy sandbox-allow-preview-ingress -o 'jsonpath={.spec.ingress[*].from[*].podSelector.matchLabels}' 2>/dev/null | tr -d ' ')" \
        = '{"gateway.networking.k8s.io/gateway-name":"agentweaver-preview-gateway"}'
    local name
    for name in preview-gateway allow-preview-gateway-to-api; do
        check "policies: NetworkPolicy $name exists" "kubectl apply -n $namespace -f k8s/base/networkpolicies.yaml" \
            exists networkpolicy "$name"
    done
}
exists() { kube get "$1" "$2" >/dev/null 2>&1; }

# Connects to the service through a port-forward, unless --api is given.
connect() {
    if [[ -z $api ]]; then
        # Not through `kube`: a function runs in a subshell, and ending that would leave kubectl running.
        kubectl -n "$namespace" port-forward service/preview-gateway :80 >"$work/forward" 2>&1 &
        forward=$!
        local _ local_port=''
        for _ in $(seq 50); do
            local_port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/forward" | head -1)
            [[ -z $local_port ]] || break
            kill -0 "$forward" 2>/dev/null || break
            sleep 0.2
        done
        if [[ -z $local_port ]]; then
            end_forward
            return 1
        fi
        api=http://127.0.0.1:$local_port
    fi
}
credentials() {
    local text
    if [[ -n $bearer_file ]]; then
        text=$(<"$bearer_file")
    else
        text=$(kube create token preview-operator --audience preview-gateway --duration 10m 2>/dev/null) || return 1
    fi
    printf 'Authorization: Bearer %s\n' "$text" >"$work/operator"
}
agent_key() {
    local text
    if [[ -n $key_file ]]; then
        text=$(<"$key_file")
    else
        text=$(kube get secret preview-gateway -o 'jsonpath={.data.api-key}' 2>/dev/null | base64 -d) || return 1
    fi
    [[ -n $text ]] && printf 'Authorization: Bearer %s\n' "$text" >"$work/agent"
}
# A claim names its run in an annotation or a label, or not at all: then its name has only a part of the run's ID.
find_run() {
    [[ -z $run ]] || return 0
    local runs name='agentweaver\.dev/run-id'
    runs=$(kube get sandboxclaims -o "jsonpath={range .items[?(@.status.sandbox.name)]}{.metadata.annotations.$name}{\"\\n\"}{.metadata.labels.$name}{\"\\n\"}{end}" 2>/dev/null) \
        || return 1
    run=$(grep -m1 . <<<"$runs") || return 1
}

service() {
    if ! connect; then
        failed "service: port-forward failed; fix: kubectl -n $namespace get pods, or use --api"
        return
    fi
    request '' GET /healthz
    check "service: it is alive" "kubectl -n $namespace logs deployment/preview-gateway" answered 200
    request '' GET /readyz
    check "service: it is ready" "kubectl -n $namespace logs deployment/preview-gateway" answered 200
    check "service: its brake is not engaged" "Docs/Reaper.md, The brake" contains "$(cat "$work/body")" '"engaged":false'
    check "service: it reaches the cluster" "kubectl -n $namespace logs deployment/preview-gateway" \
        contains "$(cat "$work/body")" '"reachable":true'
}

# page_status URL: the status of the response of a preview's address; 000 if there is none.
page_status() { curl -sk -m 10 -o /dev/null -w '%{http_code}' "$1" || true; }

smoke() {
    connect || { skipping "smoke: the service cannot be reached"; return; }
    credentials || { skipping "smoke: no operator's token: use --bearer-file"; return; }
    find_run || { skipping "smoke: no claim with a sandbox names its run: use --run"; return; }
    request "$work/operator" POST "/api/runs/$run/sandbox/port-forward" "{\"target_port\": $port}"
    if ! answered 200; then
        failed "smoke: a preview of run $run starts"
        return
    fi
    pass "smoke: a preview of run $run starts"
    open_token=$(member session_id)
    local url readiness
    url=$(sed -n 's/.*"preview_url" *: *"\([^"]*\)".*/\1/p' "$work/body" | sed 's#\\/#/#g') readiness=$(member readiness)
    if [[ $readiness == unverified ]]; then
        skipping "smoke: its address cannot be tested from the service"
    else
        check "smoke: its app answers through the public address" "$(member detail)" test "$(member ready)" = true
    fi
    local opened
    opened=$(page_status "$url")
    check "smoke: its page opens from here (status $opened)" "DNS and certificate of the zone: Docs/Operations.md" \
        is_page "$opened"
    request "$work/operator" POST "/api/runs/$run/sandbox/preview/$open_token/keepalive"
    check "smoke: it is kept alive" "kubectl -n $namespace logs deployment/preview-gateway" answered 200
    request "$work/operator" GET "/api/runs/$run/sandbox/port-forward"
    check "smoke: it is listed" "kubectl -n $namespace logs deployment/preview-gateway" contains "$(cat "$work/body")" "$open_token"
    request "$work/operator" DELETE "/api/runs/$run/sandbox/port-forward/$open_token"
    check "smoke: it stops" "kubectl -n $namespace logs deployment/preview-gateway" answered 200
    local token=$open_token end=$((SECONDS + close_limit)) closed
    [[ $status != 200 ]] || open_token=''
    until closed=$(page_status "$url") && ! is_page "$closed"; do
        ((SECONDS < end)) || break
        sleep 0.5
    done
    check "smoke: its address is closed (status $closed)" "kubectl -n $namespace get httproute -l agentweaver.dev/preview=true" \
        not_page "$closed"
    request "$work/operator" POST "/api/runs/$run/sandbox/preview/$token/keepalive"
    check "smoke: a keepalive of a stopped preview is refused" "kubectl -n $namespace logs deployment/preview-gateway" answered 404
}
# An app may respond with any status. 404 and 503 are the Gateway's own responses without a preview; 000 means no response.
is_page() { [[ $1 != 000 && $1 != 404 && $1 != 503 ]]; }
not_page() { ! is_page "$1"; }

negatives() {
    connect || { skipping "negatives: the service cannot be reached"; return; }
    find_run || run=00000000-0000-4000-8000-000000000000
    request '' GET "/api/runs/$run/sandbox/port-forward"
    check "negatives: requests without credentials are refused" "Auth__… in Docs/Configuration.md" answered 401
    if credentials; then
        local refused high
        high=$(setting Sandbox__Preview__AllowedPortMax)
        for refused in 22 $((${high:-9000} + 1)); do
            request "$work/operator" POST "/api/runs/$run/sandbox/port-forward" "{\"target_port\": $refused}"
            check "negatives: port $refused is refused" "Sandbox__Preview__AllowedPortMin and …Max" answered 400
        done
        request "$work/operator" DELETE "/api/runs/$run/sandbox/port-forward/swift-falcon-amber-aaaaaaaaaaaaaaaaaaaaaaaaaa"
        check "negatives: an unknown preview cannot be stopped" "kubectl -n $namespace logs deployment/preview-gateway" answered 404
    else
        skipping "negatives: no operator's token: use --bearer-file"
    fi
    if agent_key; then
        # With the router on, an ID in another format is forwarded to the core API, which then decides.
        local route unknown='{"request_id": "aaaaaaaaaaaaaaaaaaaaaaaaaa"}'
        for route in tool-approvals tool-denials; do
            request "$work/agent" POST "/api/runs/$run/$route" "$unknown"
            check "negatives: the agent's key cannot decide ($route)" "Docs/Access.md" answered 403
        done
        request "$work/agent" POST "/api/runs/$run/auto-approve" '{"enabled": true}'
        check "negatives: the agent's key cannot decide (auto-approve)" "Docs/Access.md" answered 403
    else
        skipping "negatives: you lack permission to read the Secret preview-gateway: use --key-file"
    fi
}

network() {
    local address app
    if [[ $(kube auth can-i create pods 2>/dev/null) != yes ]]; then
        skipping "network: you lack permission to create pods"
        return
    fi
    # The policy says which pods are sandboxes.
    app=$(kube get networkpolicy sandbox-allow-preview-ingress -o 'jsonpath={.spec.podSelector.matchLabels.app}' 2>/dev/null) \
        || app=''
    address=$(kube get pods -l "app=${app:-agentweaver-sandbox}" --field-selector status.phase=Running \
        -o 'jsonpath={.items[0].status.podIP}' 2>/dev/null) || address=''
    if [[ -z $address ]]; then
        skipping "network: no sandbox has an address"
        return
    fi
    probe_pod=preview-verify-$RANDOM
    # The pod says `open` only if the sandbox's port takes a connection, and `closed` if the attempt ended at once: nothing
    # listens there. Its name server is tried first, so that a pod without any network is not taken for one that is shut out.
    local script="nslookup kubernetes.default >/dev/null 2>&1 && echo network; before=\$(date +%s)
        if nc -z -w 5 $address $port; then echo open; elif [ \$((\$(date +%s) - before)) -lt 3 ]; then echo closed; fi; echo done"
    kube run "$probe_pod" --image "$probe_image" --restart=Never --labels=app=preview-verify \
        --command -- sh -c "$script" >/dev/null 2>&1 || { skipping "network: the pod was refused"; return; }
    if ! kube wait --for=jsonpath='{.status.phase}'=Succeeded "pod/$probe_pod" --timeout=60s >/dev/null 2>&1; then
        skipping "network: the pod did not run within 60 s"
        return
    fi
    local output
    output=$(kube logs "$probe_pod")
    if [[ $output != *network* ]]; then
        skipping "network: the pod has no network, so it cannot test the policy"
        return
    fi
    if [[ $output == *closed* ]]; then
        skipping "network: nothing listens on the sandbox's port $port, or the network plugin rejects connections, so the result is inconclusive: specify --port"
        return
    fi
    check "network: another pod cannot reach a sandbox's port $port" \
        "kubectl -n $namespace get networkpolicy sandbox-deny-ingress; is a network plugin that enforces policies installed?" \
        not_contains "$output" open
}
not_contains() { [[ $1 != *"$2"* ]]; }

kubectl get namespace "$namespace" >/dev/null 2>&1 || die "the cluster cannot be reached, or has no namespace $namespace"
for name in $groups; do
    if [[ ",$skip," == *",$name,"* ]]; then
        skipping "$name: skipped by --skip"
    else
        "$name"
    fi
done
printf '\n%s\n' "$failures failed, $skipped skipped"
((failures == 0))
