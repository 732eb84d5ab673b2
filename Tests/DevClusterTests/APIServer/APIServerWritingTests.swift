import DevCluster
import HTTPTypes
import Testing

@Suite("Writing through the API", .timeLimit(.minutes(10)))
struct APIServerWritingTests {
    @Test("a refusal has the status, the reason and the causes of the real API server's")
    func aRefusalHasTheStatusReasonAndCausesOfTheRealAPIServer() async throws {
        try await APIClient.withServer { _, client async throws in
            let services = Samples.services
            #expect(try await client.post(services, Samples.service("s")).status == 201)
            let again = try await client.post(services, Samples.service("s"))
            #expect((again.status, again.reason) == (409, "AlreadyExists"))
            let nowhere = try await client.post("/api/v1/namespaces/none/services", Samples.service("s"))
            #expect(nowhere.status == 404)
            #expect(nowhere.json["details", "kind"] == "namespaces")
            let badName = try await client.post(services, Samples.service("9s"))
            #expect((badName.status, badName.reason, badName.causes) == (422, "Invalid", ["metadata.name"]))
            let badLabel = try await client.post(services, Samples.service("t", labels: ["a": "b c"]))
            #expect((badLabel.status, badLabel.causes) == (422, ["metadata.labels"]))
            var huge = Samples.service("t")
            huge["metadata", "annotations"] = ["a": .string(String(repeating: "x", count: 256 * 1024))]
            #expect(try await client.post(services, huge).causes == ["metadata.annotations"])
            var portless = Samples.service("t")
            portless["spec", "ports"] = []
            #expect(try await client.post(services, portless).causes == ["spec.ports"])
            var big = Samples.configMap("big")
            big["data"] = ["a": .string(String(repeating: "x", count: 3 * 1024 * 1024))]
            #expect(try await client.post("/api/v1/namespaces/default/configmaps", big).status == 413)
            let text = client.request(.post, services, Samples.service("t"), type: "text/plain")
            #expect(try await client.send(text).status == 415)
            #expect(try await client.post(services, "no object").status == 400)
            #expect(try await client.post(services, Samples.route("t")).status == 400)
        }
    }

    @Test("an HTTPRoute that violates its schema is refused, with the field of each mistake")
    func anInvalidHTTPRouteIsRefusedWithTheFieldOfEachError() async throws {
        try await APIClient.withServer { _, client async throws in
            var route = Samples.route("r")
            route["spec", "hostnames"] = ["Bad_Host", "*.ok.example.com"]
            route["spec", "parentRefs"] = [[:]]
            route["spec", "rules"] = [["backendRefs": [["port": 99_999], ["name": "s"]]]]
            let answer = try await client.post(Samples.routes, route)
            #expect(answer.status == 422)
            #expect(
                answer.causes == [
                    "spec.hostnames[0]", "spec.parentRefs[0].name", "spec.rules[0].backendRefs[0].name",
                    "spec.rules[0].backendRefs[0].port", "spec.rules[0].backendRefs[1]",
                ]
            )
        }
    }

    @Test("an Event must be in the namespace of its object")
    func anEventMustBeInTheNamespaceOfItsObject() async throws {
        try await APIClient.withServer { _, client async throws in
            let events = "/api/v1/namespaces/default/events"
            let event: (String) -> JSONValue = {
                [
                    "metadata": ["generateName": "e"],
                    "involvedObject": ["kind": "Pod", "name": "p", "namespace": .string($0)],
                ]
            }
            #expect(try await client.post(events, event("default")).status == 201)
            #expect(try await client.post(events, event("other")).causes == ["involvedObject.namespace"])
        }
    }

    @Test("a JSON Patch that cannot be applied has the same answer for every reason, without a cause")
    func everyFailingJSONPatchHasTheSameResponse() async throws {
        try await APIClient.withServer { _, client async throws in
            _ = try await client.post(Samples.routes, Samples.route("r"))
            let path = "\(Samples.routes)/r"
            let patches: [JSONValue] = [
                [["op": "test", "path": "/metadata/name", "value": "x"]],
                [["op": "add", "path": "/metadata/annotations/x", "value": "1"]],
                [["op": "remove", "path": "/metadata/labels/x"]],
                [["op": "test", "path": "/metadata/labels/x", "value": .null]],
                [["op": "frob", "path": "/metadata/name"]], [["op": "add", "path": "metadata"]], ["op"],
            ]
            var bodies: Set<JSONValue> = []
            for patch in patches {
                let answer = try await client.patch(path, patch)
                #expect(answer.status == 422)
                bodies.insert(answer.json)
            }
            #expect(bodies.count == 1)
            #expect(bodies.first?["details", "causes"] == nil)
        }
    }

    @Test("a JSON Patch is applied as a whole, and a patch that changes nothing keeps the version")
    func aJSONPatchIsAppliedAsAWholeAndAnEmptyChangeKeepsTheVersion() async throws {
        try await APIClient.withServer { _, client async throws in
            _ = try await client.post(Samples.routes, Samples.route("r", annotations: ["a": "1"]))
            let path = "\(Samples.routes)/r"
            let half = try await client.patch(
                path,
                [
                    ["op": "replace", "path": "/metadata/annotations/a", "value": "2"],
                    ["op": "test", "path": "/metadata/annotations/a", "value": "1"],
                ]
            )
            #expect(half.status == 422)
            let before = try await client.get(path).json
            #expect(before.annotations == ["a": "1"])
            let good = try await client.patch(
                path,
                [
                    ["op": "test", "path": "/metadata/annotations/a", "value": "1"],
                    ["op": "test", "path": "/metadata/annotations/none", "value": .null],
                    ["op": "copy", "from": "/metadata/annotations/a", "path": "/metadata/annotations/x~1y"],
                    ["op": "move", "from": "/metadata/annotations/a", "path": "/metadata/annotations/b"],
                    ["op": "replace", "path": "/metadata/annotations/new", "value": "3"],
                    ["op": "add", "path": "/spec/hostnames/-", "value": "b.example.com"],
                    ["op": "remove", "path": "/spec/hostnames/0"],
                ]
            )
            #expect(good.status == 200)
            #expect(good.json.annotations == ["x/y": "1", "b": "1", "new": "3"])
            #expect(good.json["spec", "hostnames"] == ["b.example.com"])
            let same = try await client.merge(path, ["metadata": ["annotations": ["b": "1"]]])
            #expect(same.json.resourceVersion == good.json.resourceVersion)
        }
    }

    @Test("a strategic merge patch merges lists by key, and only built-in kinds support it")
    func strategicMergePatchesMergeListsByKeyForBuiltInKindsOnly() async throws {
        try await APIClient.withServer { _, client async throws in
            _ = try await client.post(Samples.services, Samples.service("s", labels: ["a": "1", "b": "2"]))
            let path = "\(Samples.services)/s"
            let merged = try await client.merge(path, ["metadata": ["labels": ["a": .null, "c": "3"]]])
            #expect(merged.json.labels == ["b": "2", "c": "3"])
            let patch: JSONValue = ["spec": ["ports": [["port": 81, "name": "b"], ["port": 80, "name": "a"]]]]
            let type = "application/strategic-merge-patch+json"
            let strategic = try await client.send(client.request(.patch, path, patch, type: type))
            #expect(strategic.json["spec", "ports"]?.arrayValue?.map { $0["name"] } == ["b", "a"])
            #expect(strategic.json["spec", "ports"]?[1]?["protocol"] == "TCP")
            _ = try await client.post(Samples.routes, Samples.route("r"))
            let custom = client.request(.patch, "\(Samples.routes)/r", ["metadata": [:]], type: type)
            #expect(try await client.send(custom).status == 415)
        }
    }

    @Test("applying owns the applied fields only, and another manager conflicts unless it forces its change")
    func applyOwnsItsFieldsAndConflictsUnlessForced() async throws {
        try await APIClient.withServer { _, client async throws in
            var route = Samples.route("r", annotations: ["mine": "1", "gone": "1"])
            let path = "\(Samples.routes)/r"
            #expect(try await client.apply("\(path)?fieldManager=me", route).status == 201)
            route["metadata", "annotations"] = ["mine": "1"]
            let again = try await client.apply("\(path)?fieldManager=me", route)
            #expect(again.status == 200)
            #expect(again.json.annotations == ["mine": "1"])
            let other: JSONValue = [
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
                "metadata": ["name": "r", "annotations": ["mine": "2", "theirs": "1"]],
            ]
            let refused = try await client.apply("\(path)?fieldManager=other", other)
            #expect((refused.status, refused.causes) == (409, [".metadata.annotations.mine"]))
            let forced = try await client.apply("\(path)?fieldManager=other&force=true", other)
            #expect(forced.json.annotations == ["mine": "2", "theirs": "1"])
            #expect(forced.json["spec"] == again.json["spec"])
            #expect(try await client.apply(path, other).status == 422)
        }
    }

    @Test("a dry run changes nothing")
    func aDryRunChangesNothing() async throws {
        try await APIClient.withServer { server, client async throws in
            let version = server.store.resourceVersion
            #expect(try await client.post("\(Samples.services)?dryRun=All", Samples.service("s")).status == 201)
            #expect(try await client.post("\(Samples.services)?dryRun=Some", Samples.service("s")).status == 422)
            #expect(server.store.resourceVersion == version)
        }
    }

    @Test("a replacement needs the object's name and, for custom resources, its version")
    func aReplacementNeedsTheNameAndForCustomResourcesTheVersion() async throws {
        try await APIClient.withServer { _, client async throws in
            let created = try await client.post(Samples.routes, Samples.route("r")).json
            let path = "\(Samples.routes)/r"
            #expect(try await client.put(path, Samples.route("other")).status == 400)
            #expect(try await client.put(path, Samples.route("r")).causes == ["metadata.resourceVersion"])
            var stale = created
            stale["metadata", "resourceVersion"] = "1"
            #expect(try await client.put(path, stale).reason == "Conflict")
            stale = created
            stale["metadata", "uid"] = "other"
            #expect(try await client.put(path, stale).reason == "Conflict")
            #expect(try await client.put(path, created).status == 200)
        }
    }

    @Test("a deletion is answered with a Status, or with the object while a finalizer keeps it")
    func aDeletionReturnsAStatusOrTheObjectThatAFinalizerKeeps() async throws {
        try await APIClient.withServer { _, client async throws in
            let created = try await client.post(Samples.routes, Samples.route("r")).json
            let path = "\(Samples.routes)/r"
            let wrong = try await client.delete(path, ["preconditions": ["uid": "other"]])
            #expect((wrong.status, wrong.reason) == (409, "Conflict"))
            _ = try await client.merge(path, ["metadata": ["finalizers": ["example.com/a"]]])
            let pending = try await client.delete(path, ["preconditions": ["uid": .string(created.uid)]])
            #expect(pending.json["kind"] == "HTTPRoute")
            #expect(pending.json.isTerminating)
            _ = try await client.merge(path, ["metadata": ["finalizers": .null]])
            #expect(try await client.get(path).status == 404)
            _ = try await client.post(Samples.routes, Samples.route("r"))
            let done = try await client.delete(path)
            #expect(done.json["kind"] == "Status")
            #expect(done.json["status"] == "Success")
            #expect(try await client.delete(path, ["preconditions": ["uid": "other"]]).status == 404)
            for name in ["a", "b"] {
                _ = try await client.post(Samples.services, Samples.service(name, labels: ["x": name]))
            }
            _ = try await client.delete("\(Samples.services)?labelSelector=x%3Da")
            #expect(try await client.get(Samples.services).names == ["b"])
        }
    }
}
