#!/usr/bin/env bash
# Installs or upgrades preview-gateway. Every step can be repeated.
#
#   k8s/deploy.sh --image REGISTRY/preview-gateway:COMMIT
#   k8s/deploy.sh --image … --dry-run      shows what would be done; changes nothing
#   k8s/deploy.sh --rollback               returns to the previous release
#
# It waits for the zone's certificate, renders the overlay and applies it in the order of the dependencies. The route on the
# main Gateway is changed last, when the replicas are ready.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
overlay=aks namespace=agentweaver certificate=cert image='' zone='' class='' key_file='' components='' timeout=300
dry_run=no rollback=no any_version=no
# The port range in a NetworkPolicy is stable since 1.25; older API servers may ignore it.
minimum_minor=25

usage() {
    cat <<'USAGE'
Usage: deploy.sh --image IMAGE [options]
       deploy.sh --rollback [--namespace NAMESPACE]

  --image IMAGE        the image, with a tag that names a commit, or with a digest
  --overlay NAME       aks (default) or generic
  --zone ZONE          the zone of the previews; by default the domain of the DefaultDomainCertificate
  --class NAME         the GatewayClass of the preview Gateway; by default the overlay's
  --with NAMES         folders of components/, separated by commas, or none; by default those whose APIs the cluster serves
  --api-key-file PATH  creates the secret with the service key from this file, if it does not exist
  --namespace NAME     default agentweaver; another one needs its own overlay
  --timeout SECONDS    the limit of each wait; default 300
  --dry-run            validates all objects on the API server, and changes nothing
  --allow-old-cluster  accepts a cluster older than 1.25, and omits what it does not serve
  --rollback           restores the previous release with its settings
The cluster is that of kubectl's current context.
USAGE
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'deploy.sh: %s\n' "$*" >&2
    exit 1
}
kube() { kubectl -n "$namespace" "$@"; }

need_value() { [[ $# -ge 2 && -n $2 ]] || fail "$1 needs a value"; }
while (($#)); do
    case $1 in
        --image | --overlay | --zone | --class | --with | --api-key-file | --namespace | --timeout) need_value "$@" ;;&
        --image) image=$2 && shift ;;
        --overlay) overlay=$2 && shift ;;
        --zone) zone=$2 && shift ;;
        --class) class=$2 && shift ;;
        --with) components=$2 && shift ;;
        --api-key-file) key_file=$2 && shift ;;
        --namespace) namespace=$2 && shift ;;
        --timeout) timeout=$2 && shift ;;
        --dry-run) dry_run=yes ;;
        --allow-old-cluster) any_version=yes ;;
        --rollback) rollback=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) fail "unknown argument '$1'; --help lists them" ;;
    esac
    shift
done
[[ $timeout =~ ^[0-9]+$ ]] || fail "--timeout $timeout: a number of seconds is required"
command -v kubectl >/dev/null || fail "kubectl is missing"

roll_back() {
    if [[ $dry_run == yes ]]; then
        kube rollout undo deployment/preview-gateway --dry-run=server
        return
    fi
    kube rollout undo deployment/preview-gateway
    kube rollout status deployment/preview-gateway --timeout "${timeout}s"
    say "rolled back to $(kube get deployment preview-gateway -o 'jsonpath={.spec.template.spec.containers[0].image}')"
}

check_image() {
    [[ -n $image ]] || fail "--image is missing; --help lists the options"
    local name=${image##*/}
    [[ $name == *@sha256:* || $name == *:* ]] || fail "--image $image has neither a tag nor a digest"
    [[ $name != *:latest ]] || fail "--image $image: specify a commit or a digest, because 'latest' cannot be rolled back"
}

# The resources that the cluster serves, as `group/version/Kind`.
served=''
read_served() {
    served=$(kubectl api-resources --no-headers 2>/dev/null | awk '{print $(NF-2) "/" $NF}') \
        || [[ -n $served ]] || fail "the cluster cannot be reached: $(kubectl version 2>&1 | tail -1)"
    [[ -n $served ]] || fail "the cluster cannot be reached"
}
serves() { grep -qx "$1" <<<"$served"; }

check_cluster() {
    local minor
    minor=$(kubectl version -o json 2>/dev/null | sed -n '/"serverVersion"/,$s/.*"minor": *"\([0-9]*\).*/\1/p' | head -1)
    [[ -n $minor ]] || fail "the cluster cannot be reached"
    say "cluster: Kubernetes 1.$minor, context $(kubectl config current-context)"
    if ((minor < minimum_minor)) && [[ $any_version == no ]]; then
        fail "Kubernetes 1.$minor is too old: 1.$minimum_minor is required"
    fi
    read_served
    serves gateway.networking.k8s.io/v1/Gateway || fail "the Gateway API is missing: install its CRDs and an implementation"
    grep -qE '^extensions\.agents\.x-k8s\.io/[^/]+/SandboxClaim$' <<<"$served" \
        || fail "agent-sandbox is missing: install its CRDs and controller"
}

find_zone() {
    if [[ -z $zone ]]; then
        [[ $overlay == aks ]] || fail "--zone is missing; only the overlay aks reads it from the cluster"
        say "waiting for DefaultDomainCertificate $certificate …"
        kube wait --for=condition=Available "defaultdomaincertificate/$certificate" --timeout "${timeout}s" >/dev/null \
            || fail "the DefaultDomainCertificate $certificate is not Available: kubectl -n $namespace describe defaultdomaincertificate $certificate"
        zone=$(kube get defaultdomaincertificate "$certificate" -o 'jsonpath={.status.domain}')
    fi
    zone=${zone#'*.'}
    [[ $zone =~ ^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$ ]] \
        || fail "'$zone' is not a zone: a DNS name such as preview.example.com is required"
    say "zone: $zone"
}

choose_components() {
    if [[ $components == none ]]; then
        components=''
        return
    fi
    if [[ -n $components ]]; then
        local name chosen=''
        for name in ${components//,/ }; do
            [[ -f $here/components/$name/kustomization.yaml ]] || fail "--with: there is no component $name"
            # Every overlay has it already, and kustomize takes no object twice.
            [[ $name == operator ]] || chosen+=",$name"
        done
        components=${chosen#,}
        return
    fi
    ! serves flowcontrol.apiserver.k8s.io/v1/FlowSchema || components+=",flow-schema"
    ! serves admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy || components+=",admission-policy"
    ! serves monitoring.coreos.com/v1/PrometheusRule || components+=",monitoring"
    ! serves azmonitoring.coreos.com/v1/ServiceMonitor || components+=",monitoring-azure"
    components=${components#,}
}

work=''
cleanup() { [[ -z $work ]] || rm -rf "$work"; }
trap cleanup EXIT

# Renders the overlay with the values of this installation into $work/all.yaml.
render() {
    [[ -f $here/overlays/$overlay/kustomization.yaml ]] || fail "--overlay: there is no overlay $overlay"
    work=$(mktemp -d)
    mkdir "$work/k8s"
    cp -R "$here/base" "$here/components" "$here/overlays" "$work/k8s"
    mkdir "$work/k8s/installation"
    local repository=${image%@*} tag=''
    if [[ ${repository##*/} == *:* ]]; then
        tag=${repository##*:}
        repository=${repository%:*}
    fi
    {
        cat <<INSTALLATION
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $namespace
resources: [../overlays/$overlay]
configMapGenerator:
  - name: preview-gateway-settings
    behavior: merge
    literals: ["Sandbox__Preview__ZoneSuffix=$zone"]
patches:
  - target: {kind: Gateway, name: agentweaver-preview-gateway}
    patch: |-
      - {op: replace, path: /spec/listeners/0/hostname, value: "*.$zone"}
      ${class:+- {op: replace, path: /spec/gatewayClassName, value: "$class"\}}
  - target: {kind: HTTPRoute, name: preview-gateway}
    patch: |-
      - {op: replace, path: /spec/hostnames/0, value: "agentweaver.$zone"}
  - target: {kind: HTTPRoute, name: ended-previews}
    patch: |-
      - {op: replace, path: /spec/hostnames/0, value: "*.$zone"}
INSTALLATION
        # The overlay has already replaced the image name `preview-gateway` by its own.
        echo "images:"
        echo "  - name: registry.example.com/preview-gateway"
        echo "    newName: $repository"
        if [[ $image == *@* ]]; then echo "    digest: ${image#*@}"; else echo "    newTag: \"$tag\""; fi
        if [[ -n $components ]]; then
            echo "components:"
            local name
            for name in ${components//,/ }; do echo "  - ../components/$name"; done
        fi
    } >"$work/k8s/installation/kustomization.yaml"
    kubectl kustomize "$work/k8s/installation" >"$work/all.yaml"
}

# select_kinds FILE yes|no KIND…: writes the documents of $work/all.yaml that have, or do not have, one of these kinds.
select_kinds() {
    local file=$1 wanted=$2
    shift 2
    awk -v kinds=" $* " -v wanted="$wanted" 'BEGIN { RS = "---\n"; ORS = "" }
        {
            kind = ""
            count = split($0, lines, "\n")
            for (i = 1; i <= count; i++) if (lines[i] ~ /^kind: /) kind = substr(lines[i], 7)
            found = index(kinds, " " kind " ") > 0
            if (kind != "" && found == (wanted == "yes")) print "---\n" $0
        }' "$work/all.yaml" >"$file"
}

# Removes the kinds that an old cluster does not serve, if --allow-old-cluster permits that.
left_out=()
leave_out_unserved() {
    [[ $any_version == yes ]] || return 0
    if ! serves policy/v1/PodDisruptionBudget; then left_out+=(PodDisruptionBudget); fi
    ((${#left_out[@]})) || return 0
    select_kinds "$work/known.yaml" no "${left_out[@]}"
    mv "$work/known.yaml" "$work/all.yaml"
    say "omitted, because this cluster does not serve it: ${left_out[*]}"
}

# Refuses a lifetime of previews that the admission policy would not admit: every start would fail.
check_cap() {
    local hours policy
    hours=$(sed -n 's/^  Sandbox__Preview__MaxLifetimeHours: *"\{0,1\}\([0-9.]*\).*/\1/p' "$work/all.yaml")
    # In the rendered YAML the quotes may be doubled.
    policy=$(sed -n "s/.*duration('\{1,2\}\([0-9]*\)h[0-9]*m'.*/\1/p" "$work/all.yaml")
    [[ -n $hours && -n $policy ]] || return 0
    awk -v hours="$hours" -v policy="$policy" 'BEGIN { exit !(hours <= policy) }' \
        || fail "Sandbox__Preview__MaxLifetimeHours is $hours, but the component admission-policy admits only $policy h: change its duration too, or choose components with --with"
}

# Keeps the platform's own policy for the sandboxes where its releases label these pods otherwise than the manifest says.
keep_sandbox_policy() {
    local name=sandbox-allow-preview-ingress selector
    selector=$(kube get networkpolicy "$name" -o 'jsonpath={.spec.podSelector}' 2>/dev/null | tr -d ' ') || return 0
    [[ $selector != '{"matchLabels":{"app":"agentweaver-sandbox"}}' ]] || return 0
    awk -v name="$name" 'BEGIN { RS = "---\n"; ORS = "" } index($0, "\n  name: " name "\n") == 0 { print "---\n" $0 }' \
        "$work/all.yaml" >"$work/kept.yaml"
    mv "$work/kept.yaml" "$work/all.yaml"
    say "not changed, because it selects pods other than app=agentweaver-sandbox: NetworkPolicy $name"
}

# apply FILE WHAT: applies documents, or has the API server check them.
apply() {
    local file=$1 what=$2 options=()
    [[ -s $file ]] || return 0
    say "applying: $what"
    [[ $any_version == no ]] || options+=(--validate=false)
    [[ $dry_run == no ]] || options+=(--dry-run=server)
    kubectl apply "${options[@]+"${options[@]}"}" -f "$file"
}

ensure_namespace() {
    select_kinds "$work/namespace.yaml" yes Namespace
    if kubectl get namespace "$namespace" >/dev/null 2>&1; then
        apply "$work/namespace.yaml" "the namespace"
        return
    fi
    [[ -s $work/namespace.yaml ]] || fail "the namespace $namespace is missing; install the platform first"
    if [[ $dry_run == yes ]]; then
        kubectl apply --dry-run=server -f "$work/namespace.yaml"
        say "the namespace $namespace does not exist yet, so the API server cannot check objects in it; these would be applied:"
        grep -E '^(kind|  name):' "$work/all.yaml" | paste - - | sed 's/kind: *//; s/\t *name: */ /'
        exit 0
    fi
    apply "$work/namespace.yaml" "the namespace"
}

ensure_key() {
    if kube get secret preview-gateway >/dev/null 2>&1; then
        say "secret preview-gateway: exists"
        return
    fi
    if [[ -z $key_file ]]; then
        local message="the secret preview-gateway with the service key (api-key) is missing: use --api-key-file"
        [[ $dry_run == yes ]] || fail "$message"
        say "warning: $message"
        return
    fi
    [[ -r $key_file ]] || fail "--api-key-file $key_file cannot be read"
    local options=()
    [[ $dry_run == no ]] || options+=(--dry-run=server)
    kube create secret generic preview-gateway --from-file=api-key="$key_file" "${options[@]+"${options[@]}"}"
}

wait_for_gateway() {
    say "waiting for Gateway agentweaver-preview-gateway …"
    kube wait --for=condition=Programmed gateway/agentweaver-preview-gateway --timeout "${timeout}s" \
        || fail "the Gateway is not Programmed: kubectl -n $namespace describe gateway agentweaver-preview-gateway"
}

wait_for_rollout() {
    say "waiting for the replicas …"
    kube rollout status deployment/preview-gateway --timeout "${timeout}s" \
        || fail "the rollout did not finish: kubectl -n $namespace get pods -l app.kubernetes.io/name=preview-gateway; to restore the previous release: $0 --rollback"
}

report() {
    local address
    address=$(kube get gateway agentweaver-preview-gateway -o 'jsonpath={.status.addresses[*].value}')
    cat <<REPORT

preview-gateway is installed.
  image              $(kube get deployment preview-gateway -o 'jsonpath={.spec.template.spec.containers[0].image}')
  API                https://agentweaver.$zone/api/runs/…, through the main Gateway
  previews           https://{token}-preview.$zone at ${address:-an address that the Gateway does not report yet}

Callers inside the cluster do not use the main Gateway. Change their base URLs:
  kubectl -n $namespace set env deployment/agentweaver-api deployment/agentweaver-worker \\
      Agentweaver__ApiBaseUrl=http://preview-gateway
  kubectl -n $namespace set env deployment/agentweaver-mcp AGENTWEAVER_API_URL=http://preview-gateway

To check the installation:        $here/verify.sh
To restore the previous release:  $0 --rollback
REPORT
}

if [[ $rollback == yes ]]; then
    roll_back
    exit 0
fi
check_image
check_cluster
find_zone
choose_components
say "components: ${components:-none}"
render
check_cap
leave_out_unserved
keep_sandbox_policy
ensure_namespace
ensure_key
late="Namespace Deployment HTTPRoute PodDisruptionBudget"
# shellcheck disable=SC2086 # a list of words
select_kinds "$work/first.yaml" no $late
select_kinds "$work/deployment.yaml" yes Deployment PodDisruptionBudget
select_kinds "$work/route.yaml" yes HTTPRoute
apply "$work/first.yaml" "permissions, settings, policies, Gateway"
[[ $dry_run == yes ]] || wait_for_gateway
apply "$work/deployment.yaml" "the replicas"
[[ $dry_run == yes ]] || wait_for_rollout
apply "$work/route.yaml" "the route on the main Gateway, and the route for hosts without a preview"
if [[ $dry_run == yes ]]; then
    say "nothing was changed (--dry-run)"
else
    report
fi
