import Basics
import Foundation
import KubernetesClient
import KubernetesModel
import Testing

/// What both the development cluster's API server and a real one must do for this service to work.
///
/// Each check creates its own objects and leaves others alone, so that all checks can share a server.
enum ConformanceChecks {
    typealias Check = @Sendable (ClusterUnderTest) async throws -> Void

    static let all: [(name: String, check: Check)] = [
        ("a missing object, a missing namespace and a missing group are told apart", missingThings),
        ("an unknown token is unauthorized", unknownToken),
        ("a token review names the owner, and the audience that was asked for", tokenReviews),
        ("AlreadyExists and Conflict are told apart", twoKindsOf409),
        ("a delete with preconditions spares what changed", deletePreconditions),
        ("an object with finalizers is being deleted, not gone", finalizers),
        ("a route keeps its limits, and one that is no duration is invalid", routeLimits),
        ("a JSON Patch that does not apply is one ambiguous error", ambiguousPatch),
        ("a patch that changes nothing keeps the resourceVersion", patchWithoutChange),
        ("lists come in pages and are one list", pagedLists),
        ("metadata lists hold neither spec nor managedFields", metadataLists),
        ("a selector that ceases to match is a deletion in the watch", selectorTransitions),
        ("a change within a selector is a change in the watch", changesWithinASelector),
        ("an informer sees what is there, what changes and what goes", informer),
        ("events are selected by the object they are about, and watched as metadata", eventsOfAnObject),
        ("discovery prefers the newest version of claims", discovery),
        ("every answer tells the server's time", serverTime),
        ("objects go with the pod that owns them", garbageCollection),
        ("what kubectl asks first is answered: the version, and the lists of groups and kinds", kubectlDiscovery),
        ("lists come as tables, whose first column is the name", tables),
        ("a field selector names one object, in lists and in watches", fieldSelectors),
        ("an object is applied, changed and taken over by server-side apply", serverSideApply),
        ("a dry run answers as if, and changes nothing", dryRuns),
        ("an update needs the version that it replaces", updates),
        ("the status has a path of its own, and only the spec counts as a generation", statusSubresource),
        ("a deletion says what it deleted, for every propagation policy", propagationPolicies),
        ("a watch begins where it is told, has bookmarks, and ends in good order", rawWatches),
        ("what is no request is refused for what it is", malformedRequests),
        ("names are checked, or made", names),
        ("a Service gets an address, and keeps it", serviceAddresses),
        ("a null in a merge patch takes away, and an emptied object stays", mergePatchNulls),
        // Last, because a server may close the connection on which a body was too large.
        ("annotations over 256 KiB are invalid, a body over 3 MiB is too large", sizeLimits),
    ]

    // MARK: Errors

    @Sendable static func missingThings(_ cluster: ClusterUnderTest) async throws {
        await expect(.notFound(.object)) {
            _ = try await cluster.client.get(Service.self, named: "nobody", in: cluster.namespace)
        }
        var homeless = cluster.service("anything")
        homeless.metadata.namespace = nil
        await expect(.notFound(.namespace)) { [homeless] in
            _ = try await cluster.client.create(homeless, in: "no-such-namespace")
        }
        await expect(.notFound(.group)) {
            _ = try await cluster.client.get(Unicorn.self, named: "nobody", in: cluster.namespace)
        }
    }

    @Sendable static func unknownToken(_ cluster: ClusterUnderTest) async throws {
        await expect(.unauthorized) {
            _ = try await cluster.stranger.get(Service.self, named: "nobody", in: cluster.namespace)
        }
    }

    @Sendable static func tokenReviews(_ cluster: ClusterUnderTest) async throws {
        let own = "https://kubernetes.default.svc"
        func review(_ token: String, _ audiences: [String]) async throws -> TokenReview.Status? {
            try await cluster.client.create(TokenReview(token: token, audiences: audiences), in: nil).status
        }
        let good = try await review(cluster.token, ["preview-gateway", own])
        #expect(good?.authenticated == true)
        #expect(good?.user?.username?.isEmpty == false)
        #expect(good?.audiences == [own])
        for (token, audience) in [(cluster.token, "preview-gateway"), ("nobodys", own)] {
            let bad = try await review(token, [audience])
            #expect(bad?.authenticated != true)
            #expect(bad?.user?.username == nil)
        }
    }

    @Sendable static func twoKindsOf409(_ cluster: ClusterUnderTest) async throws {
        let created = try await cluster.client.create(cluster.service("twice"), in: cluster.namespace)
        await expect(.alreadyExists) {
            _ = try await cluster.client.create(cluster.service("twice"), in: cluster.namespace)
        }
        await expect(.conflict) {
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "twice",
                in: cluster.namespace,
                .merge(.annotations(["a": "b"], resourceVersion: "1"))
            )
        }
        #expect(created.metadata.uid != nil)
    }

    @Sendable static func deletePreconditions(_ cluster: ClusterUnderTest) async throws {
        let created = try await cluster.client.create(cluster.service("judged"), in: cluster.namespace)
        let uid = try #require(created.metadata.uid)
        let judged = Preconditions(uid: uid, resourceVersion: created.metadata.resourceVersion)
        _ = try await cluster.client.patchMetadata(
            of: Service.self,
            named: "judged",
            in: cluster.namespace,
            .merge(.annotations(["kept": "alive"]))
        )
        await expect(.conflict) { try await delete("judged", judged, cluster) }
        await expect(.conflict) { try await delete("judged", Preconditions(uid: "another"), cluster) }
        let current = try await cluster.client.getMetadata(of: Service.self, named: "judged", in: cluster.namespace)
        let exact = Preconditions(uid: uid, resourceVersion: current.metadata.resourceVersion)
        #expect(try await delete("judged", exact, cluster) == .deleted)
        #expect(try await delete("judged", exact, cluster) == .notFound)
    }

    @Sendable static func finalizers(_ cluster: ClusterUnderTest) async throws {
        let route = HTTPRoute(
            metadata: ObjectMeta(name: "held", namespace: cluster.namespace),
            spec: HTTPRoute.Spec(
                parentRefs: [HTTPRoute.ParentReference(name: "nobody")],
                hostnames: ["held.example.com"],
                rules: [HTTPRoute.Rule(backendRefs: [HTTPRoute.BackendReference(name: "nobody", port: 80)])]
            )
        )
        let created = try await cluster.client.create(route, in: cluster.namespace)
        _ = try await cluster.client.patchMetadata(
            of: HTTPRoute.self,
            named: "held",
            in: cluster.namespace,
            .merge(MergePatch(["metadata": ["finalizers": ["example.com/hold"]]]))
        )
        let outcome = try await cluster.client.delete(
            HTTPRoute.self,
            named: "held",
            in: cluster.namespace,
            preconditions: Preconditions(uid: try #require(created.metadata.uid))
        )
        #expect(outcome == .deleting)
        let held = try await cluster.client.getMetadata(of: HTTPRoute.self, named: "held", in: cluster.namespace)
        #expect(held.metadata.isBeingDeleted)
        _ = try await cluster.client.patchMetadata(
            of: HTTPRoute.self,
            named: "held",
            in: cluster.namespace,
            .json([.remove(JSONPointer("metadata", "finalizers"))])
        )
        await expect(.notFound(.object)) {
            _ = try await cluster.client.get(HTTPRoute.self, named: "held", in: cluster.namespace)
        }
    }

    @Sendable static func routeLimits(_ cluster: ClusterUnderTest) async throws {
        func route(_ name: String, timeout: String) -> HTTPRoute {
            let header = HTTPRoute.Header(name: "x-envoy-upstream-stream-duration-ms", value: "5400000")
            let rule = HTTPRoute.Rule(
                filters: [HTTPRoute.Filter(requestHeaderModifier: HTTPRoute.HeaderModifier(set: [header]))],
                backendRefs: [HTTPRoute.BackendReference(name: "nobody", port: 80)],
                timeouts: HTTPRoute.Timeouts(request: timeout)
            )
            return HTTPRoute(
                metadata: ObjectMeta(name: name, namespace: cluster.namespace),
                spec: HTTPRoute.Spec(
                    parentRefs: [HTTPRoute.ParentReference(name: "nobody")],
                    hostnames: ["limited.example.com"],
                    rules: [rule]
                )
            )
        }
        let created = try await cluster.client.create(route("limited", timeout: "1h30m"), in: cluster.namespace)
        let rule = try #require(created.spec.rules.first)
        #expect(rule.timeouts?.request == "1h30m")
        #expect(rule.filters?.first?.requestHeaderModifier?.set?.first?.value == "5400000")
        await expect(.invalid) {
            _ = try await cluster.client.create(route("endless", timeout: "1.5h"), in: cluster.namespace)
        }
    }

    // MARK: Patches

    @Sendable static func ambiguousPatch(_ cluster: ClusterUnderTest) async throws {
        _ = try await cluster.client.create(cluster.service("patched"), in: cluster.namespace)
        let failing: [JSONPatch] = [
            [.test(JSONPointer("metadata", "name"), "another")],
            [.replace(JSONPointer("metadata", "labels", "missing"), "x")],
            [.add(.annotation("example.com/a"), "b")],
        ]
        for patch in failing {
            await expect(.invalid) {
                _ = try await cluster.client.patchMetadata(
                    of: Service.self,
                    named: "patched",
                    in: cluster.namespace,
                    .json(patch)
                )
            }
        }
        let merged = try await cluster.client.patchMetadata(
            of: Service.self,
            named: "patched",
            in: cluster.namespace,
            .merge(.annotations(["example.com/a": "b"]))
        )
        #expect(merged.metadata.annotations["example.com/a"] == "b")
        let patched = try await cluster.client.patchMetadata(
            of: Service.self,
            named: "patched",
            in: cluster.namespace,
            .json([.test(.annotation("example.com/a"), "b"), .add(.annotation("example.com/a"), "c")])
        )
        #expect(patched.metadata.annotations["example.com/a"] == "c")
    }

    @Sendable static func patchWithoutChange(_ cluster: ClusterUnderTest) async throws {
        _ = try await cluster.client.create(cluster.service("still"), in: cluster.namespace)
        let first = try await cluster.client.patchMetadata(
            of: Service.self,
            named: "still",
            in: cluster.namespace,
            .merge(.annotations(["a": "b"]))
        )
        let second = try await cluster.client.patchMetadata(
            of: Service.self,
            named: "still",
            in: cluster.namespace,
            .merge(.annotations(["a": "b"]))
        )
        #expect(first.metadata.resourceVersion == second.metadata.resourceVersion)
    }

    @Sendable static func sizeLimits(_ cluster: ClusterUnderTest) async throws {
        _ = try await cluster.client.create(cluster.service("large"), in: cluster.namespace)
        await expect(.invalid) {
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "large",
                in: cluster.namespace,
                .merge(.annotations(["a": String(repeating: "x", count: 257 * 1024)]))
            )
        }
        await expect(.tooLarge) {
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "large",
                in: cluster.namespace,
                .merge(.annotations(["a": String(repeating: "x", count: 4 << 20)]))
            )
        }
    }

    private static func delete(
        _ name: String,
        _ preconditions: Preconditions,
        _ cluster: ClusterUnderTest
    ) async throws -> DeletionResult {
        try await cluster.client.delete(Service.self, named: name, in: cluster.namespace, preconditions: preconditions)
    }
}

/// Records an issue unless `work` fails with this kind of error.
func expect(_ kind: KubernetesError.Kind, _ work: () async throws -> some Any) async {
    let error = await #expect(throws: KubernetesError.self) { _ = try await work() }
    #expect(error?.kind == kind)
}
