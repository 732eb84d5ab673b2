import DevCluster
import FoundationEssentials
import Testing

@Suite("The object store", .timeLimit(.minutes(10)))
struct ObjectStoreTests {
    @Test("the store sets the uid, the time and the version of a new object, whatever the request has")
    func theStoreSetsUIDTimeAndVersionOfANewObject() throws {
        let store = ObjectStore(now: { Date(timeIntervalSince1970: 0) })
        var route = Samples.route("r")
        route["metadata", "uid"] = "mine"
        route["metadata", "creationTimestamp"] = "2001-01-01T00:00:00Z"
        route["status"] = ["parents": []]
        let created = try store.create(.httpRoutes, namespace: "default", route)
        #expect(created.uid != "mine" && !created.uid.isEmpty)
        #expect(created["metadata", "creationTimestamp"] == "1970-01-01T00:00:00Z")
        #expect(created["metadata", "generation"] == 1)
        #expect(created["status"] == nil)
        #expect(created.resourceVersion == String(store.resourceVersion))
    }

    @Test("an update that changes nothing keeps the resourceVersion")
    func anUpdateWithoutAChangeKeepsTheResourceVersion() throws {
        let store = ObjectStore()
        let created = try store.create(.httpRoutes, namespace: "default", Samples.route("r"))
        let same = try store.update(.httpRoutes, namespace: "default", name: "r") { _ in }
        #expect(same == created)
        let changed = try store.update(.httpRoutes, namespace: "default", name: "r") {
            $0["metadata", "annotations"] = ["a": "b"]
        }
        #expect(changed.resourceVersion != created.resourceVersion)
        #expect(changed["metadata", "generation"] == 1)
        let wanted = try store.update(.httpRoutes, namespace: "default", name: "r") {
            $0["spec", "hostnames"] = ["b.example.com"]
        }
        #expect(wanted["metadata", "generation"] == 2)
    }

    @Test("the status changes through its subresource only, and the subresource changes nothing else")
    func theStatusChangesThroughItsSubresourceOnly() throws {
        let store = ObjectStore()
        try store.create(.httpRoutes, namespace: "default", Samples.route("r"))
        let main = try store.update(.httpRoutes, namespace: "default", name: "r") { $0["status"] = ["a": 1] }
        #expect(main["status"] == nil)
        let status = try store.updateStatus(.httpRoutes, namespace: "default", name: "r") {
            $0["status"] = ["a": 1]
            $0["spec"] = [:]
            $0["metadata", "labels"] = ["x": "y"]
        }
        #expect(status["status"] == ["a": 1])
        #expect(status["spec"] == main["spec"])
        #expect(status.labels.isEmpty)
        #expect(status["metadata", "generation"] == 1)
    }

    @Test("an existing name is refused with AlreadyExists, and an old version with Conflict")
    func anExistingNameIsAlreadyExistsAndAnOldVersionIsAConflict() throws {
        let store = ObjectStore()
        let first = try store.create(.configMaps, namespace: "default", Samples.configMap("c"))
        #expect(
            failure { try store.create(.configMaps, namespace: "default", Samples.configMap("c")) }
                == "409 AlreadyExists"
        )
        try store.update(.configMaps, namespace: "default", name: "c") { $0["data"] = ["a": "b"] }
        #expect(
            failure { try store.update(.configMaps, namespace: "default", name: "c") { $0 = first } } == "409 Conflict"
        )
    }

    @Test("a delete whose precondition does not hold deletes nothing")
    func aDeleteWhosePreconditionFailsDeletesNothing() throws {
        let store = ObjectStore()
        let object = try store.create(.configMaps, namespace: "default", Samples.configMap("c"))
        let wrong: [ObjectStore.Preconditions] = [.init(uid: "x"), .init(uid: object.uid, resourceVersion: "1")]
        for preconditions in wrong {
            #expect(
                failure {
                    try store.delete(
                        .configMaps,
                        namespace: "default",
                        name: "c",
                        options: .init(preconditions: preconditions)
                    )
                } == "409 Conflict"
            )
        }
        let right = ObjectStore.Preconditions(uid: object.uid, resourceVersion: object.resourceVersion)
        try store.delete(.configMaps, namespace: "default", name: "c", options: .init(preconditions: right))
        #expect(store.get(.configMaps, namespace: "default", name: "c") == nil)
        #expect(
            failure {
                try store.delete(.configMaps, namespace: "default", name: "c", options: .init(preconditions: right))
            } == "404 NotFound"
        )
    }

    @Test("an object with finalizers stays until the last one is gone")
    func anObjectStaysUntilItsLastFinalizerIsRemoved() throws {
        let store = ObjectStore()
        var object = Samples.configMap("c")
        object["metadata", "finalizers"] = ["example.com/a"]
        try store.create(.configMaps, namespace: "default", object)
        guard case .pending(let pending) = try store.delete(.configMaps, namespace: "default", name: "c") else {
            Issue.record("the object went at once")
            return
        }
        #expect(pending.isTerminating)
        try store.update(.configMaps, namespace: "default", name: "c") { $0["metadata", "finalizers"] = nil }
        #expect(store.get(.configMaps, namespace: "default", name: "c") == nil)
    }

    @Test("a pod on a node stays for its grace period, and a pod without a node is removed at once")
    func aPodOnANodeStaysForItsGracePeriod() throws {
        let store = ObjectStore()
        try store.create(.pods, namespace: "default", Samples.pod("here", node: "node"))
        try store.create(.pods, namespace: "default", Samples.pod("nowhere"))
        try store.delete(.pods, namespace: "default", name: "nowhere")
        try store.delete(.pods, namespace: "default", name: "here")
        #expect(store.list(.pods).items.map(\.name) == ["here"])
        try store.delete(.pods, namespace: "default", name: "here", options: .init(gracePeriodSeconds: 0))
        #expect(store.list(.pods).items.isEmpty)
    }

    @Test("a pod without finalizers stays until its grace period is over")
    func aPodWithoutFinalizersStaysUntilItsGracePeriodIsOver() throws {
        let store = ObjectStore()
        var pod = Samples.pod("here", node: "node")
        pod["metadata", "finalizers"] = ["example.com/a"]
        try store.create(.pods, namespace: "default", pod)
        try store.delete(.pods, namespace: "default", name: "here", options: .init(gracePeriodSeconds: 20))
        try store.update(.pods, namespace: "default", name: "here") { $0["metadata", "finalizers"] = nil }
        let waiting = try #require(store.get(.pods, namespace: "default", name: "here"))
        #expect(waiting.isTerminating && waiting.finalizers.isEmpty)
        try store.delete(.pods, namespace: "default", name: "here", options: .init(gracePeriodSeconds: 0))
        #expect(store.list(.pods).items.isEmpty)
    }

    @Test("the end of a grace period lets the last finalizer remove the pod")
    func theLastFinalizerRemovesThePodAfterItsGracePeriod() throws {
        let store = ObjectStore()
        var pod = Samples.pod("here", node: "node")
        pod["metadata", "finalizers"] = ["example.com/a"]
        try store.create(.pods, namespace: "default", pod)
        func delete(_ seconds: Int) throws -> JSONValue {
            let options = ObjectStore.DeleteOptions(gracePeriodSeconds: seconds)
            switch try store.delete(.pods, namespace: "default", name: "here", options: options) {
            case .removed(let pod), .pending(let pod): return pod
            }
        }
        #expect(try delete(20)["metadata", "deletionGracePeriodSeconds"]?.intValue == 20)
        #expect(try delete(30)["metadata", "deletionGracePeriodSeconds"]?.intValue == 20)
        #expect(try delete(0)["metadata", "deletionGracePeriodSeconds"]?.intValue == 0)
        #expect(store.list(.pods).items.map(\.isTerminating) == [true])
        try store.update(.pods, namespace: "default", name: "here") { $0["metadata", "finalizers"] = nil }
        #expect(store.list(.pods).items.isEmpty)
    }

    @Test("every Service has a cluster IP of its own, which cannot be changed")
    func everyServiceHasAnImmutableClusterIPOfItsOwn() throws {
        let store = ObjectStore()
        let addresses = try (0..<300).map { index in
            try store.create(.services, namespace: "default", Samples.service("s\(index)"))["spec", "clusterIP"]?
                .stringValue
        }
        #expect(Set(addresses).count == 300)
        let changed = try store.update(.services, namespace: "default", name: "s0") { $0["spec", "clusterIP"] = nil }
        #expect(changed["spec", "clusterIP"]?.stringValue == addresses[0])
        #expect(
            failure {
                try store.update(.services, namespace: "default", name: "s0") { $0["spec", "clusterIP"] = "10.96.9.9" }
            } == "422 Invalid"
        )
    }

    @Test("a generated name keeps its prefix and differs each time")
    func generatedNamesKeepTheirPrefixAndDiffer() throws {
        let store = ObjectStore()
        let names = try (0..<20).map { _ in
            try store.create(.configMaps, namespace: "default", ["metadata": ["generateName": "c-"]]).name
        }
        #expect(Set(names).count == 20)
        #expect(names.allSatisfy { $0.hasPrefix("c-") && $0.count == 7 })
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "none"
        } catch let failure as StatusFailure {
            return "\(failure.code) \(failure.reason)"
        } catch {
            return "\(error)"
        }
    }
}
