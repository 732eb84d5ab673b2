"""Checks rendered manifests (YAML on standard input) against what a test's API server is too old to know.

With `schemas`: every document of Kubernetes' own kinds against the published schemas of a recent version, strictly.
With `policy`: the expressions of the ValidatingAdmissionPolicy, on requests that it has to admit and to refuse. Prints a
line for each request: what it is, and `admitted`, `denied: …` or `not a preview`.
"""

import json
import sys

import yaml

VERSION = "1.34"
CUSTOM_GROUPS = ("gateway.networking.k8s.io", "monitoring.coreos.com", "azmonitoring.coreos.com")


def schemas(documents):
    import kubernetes_validate

    count = 0
    for document in documents:
        if document["apiVersion"].split("/")[0] in CUSTOM_GROUPS:
            continue
        kubernetes_validate.validate(document, VERSION, strict=True)
        count += 1
    print(f"{count} objects are valid in Kubernetes {VERSION}")


PREVIEW = {
    "metadata": {
        "name": "preview-swift-falcon-amber-k7m2",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"agentweaver.dev/preview-token": "swift-falcon-amber-k7m2"},
        "annotations": {"agentweaver.dev/preview-max-until": "2026-01-01T08:00:00.123Z"},
    },
    "spec": {"parentRefs": [{"name": "agentweaver-preview-gateway"}]},
}
SERVICE = "system:serviceaccount:agentweaver:preview-gateway"


def variant(**metadata):
    copy = json.loads(json.dumps(PREVIEW))
    copy["metadata"].update(metadata)
    return copy


def max_until(text):
    return variant(annotations={"agentweaver.dev/preview-max-until": text})


def other_route(name, parent):
    return {"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"parentRefs": [{"name": parent}]}}


def page_route(name="ended-previews", hostname="*.preview.example.com", port=8081, **rule):
    route = other_route(name, "agentweaver-preview-gateway")
    backend = {"name": "preview-gateway", "port": port}
    route["spec"] |= {"hostnames": [hostname], "rules": [{"backendRefs": [backend]} | rule]}
    return route


REQUESTS = [
    ("the service creates a preview", SERVICE, PREVIEW, None),
    ("the older service creates a preview", "system:serviceaccount:agentweaver:agentweaver-api", variant(annotations={}), None),
    ("somebody else creates a preview", "ada", PREVIEW, None),
    ("somebody else attaches a route to the preview Gateway", "ada", other_route("mine", "agentweaver-preview-gateway"), None),
    ("somebody else creates a route with a token's label", "ada",
     variant(name="mine") | {"spec": {"parentRefs": [{"name": "other"}]}}, None),
    ("somebody else creates a route of another Gateway", "ada", other_route("mine", "agentweaver-gateway"), None),
    ("the service's own route is installed", "ada", other_route("preview-gateway", "agentweaver-gateway"), None),
    ("the route of hosts without a preview is installed", "ada", page_route(), None),
    ("a route of its name leads to the API", "ada", page_route(port=80), None),
    ("a route of its name leads elsewhere", "ada", page_route(backendRefs=[{"name": "mine", "port": 8081}]), None),
    ("a route of its name redirects", "ada", page_route(filters=[{"type": "RequestRedirect"}]), None),
    ("a route of its name takes one host", "ada", page_route(hostname="a-preview.preview.example.com"), None),
    ("the cap is exceeded", SERVICE, max_until("2026-01-01T08:02:00Z"), None),
    ("the cap is no time", SERVICE, max_until("never"), None),
    ("somebody else prolongs a preview", "ada", max_until("2026-01-01T07:00:00Z"), PREVIEW),
    ("somebody else removes a finalizer", "ada", PREVIEW, variant(finalizers=["example.com/hold"])),
]


def policy(documents):
    import celpy
    from celpy import celtypes
    from celpy.adapter import json_to_cel

    spec = next(d for d in documents if d["kind"] == "ValidatingAdmissionPolicy")["spec"]
    environment = celpy.Environment()

    def evaluate(expression, values):
        # A variable of the policy is a member of `variables`, which is evaluated on its own before.
        return environment.program(environment.compile(expression)).evaluate(values)

    for name, user, new, old in REQUESTS:
        request = {"userInfo": {"username": user}, "operation": "UPDATE" if old else "CREATE"}
        values = {"object": json_to_cel(new), "oldObject": json_to_cel(old), "request": json_to_cel(request)}
        variables = celtypes.MapType()
        if not all(evaluate(c["expression"], values) for c in spec["matchConditions"]):
            print(f"{name}: not a preview")
            continue
        for variable in spec["variables"]:
            values["variables"] = variables
            variables[celtypes.StringType(variable["name"])] = evaluate(variable["expression"], values)
        values["variables"] = variables
        failed = []
        for validation in spec["validations"]:
            try:
                holds = bool(evaluate(validation["expression"], values))
            except celpy.CELEvalError:
                # With failurePolicy Fail, an expression that fails refuses.
                holds = False
            if not holds:
                failed.append(validation["message"])
        print(f"{name}: " + ("denied: " + "; ".join(failed) if failed else "admitted"))


if __name__ == "__main__":
    {"schemas": schemas, "policy": policy}[sys.argv[1]]([d for d in yaml.safe_load_all(sys.stdin) if d])
