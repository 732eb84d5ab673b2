import DevCluster
import Testing

@Suite("Garbage collection", .timeLimit(.minutes(10)))
struct ObjectStoreGarbageTests {
    @Test("the dependents of a deleted object are deleted, on every level")
    func dependentsOfADeletedObjectAreDeletedOnEveryLevel() throws {
        let store = ObjectStore()
        let owner = try store.create(.configMaps, namespace: "default", Samples.configMap("owner"))
        let middle = try store.create(.configMaps, namespace: "default", Samples.configMap("middle", owners: [owner]))
        try store.create(.configMaps, namespace: "default", Samples.configMap("leaf", owners: [middle]))
        try store.create(.configMaps, namespace: "default", Samples.configMap("other"))
        store.collectGarbage()
        #expect(store.list(.configMaps).items.count == 4)
        try store.delete(.configMaps, namespace: "default", name: "owner")
        store.collectGarbage()
        #expect(store.list(.configMaps).items.map(\.name) == ["other"])
    }

    @Test("a dependent whose owner does not exist, or is in another namespace, is deleted")
    func aDependentWithoutAnOwnerInItsNamespaceIsDeleted() throws {
        let store = ObjectStore()
        let elsewhere = try store.create(.configMaps, namespace: "kube-system", Samples.configMap("owner"))
        let ghost: JSONValue = ["metadata": ["name": "ghost", "uid": "no-such-uid"]]
        try store.create(.configMaps, namespace: "default", Samples.configMap("a", owners: [ghost]))
        try store.create(.configMaps, namespace: "default", Samples.configMap("b", owners: [elsewhere]))
        store.collectGarbage()
        #expect(store.list(.configMaps, namespace: "default").items.isEmpty)
    }

    @Test("an object stays while one of its owners exists")
    func anObjectStaysWhileOneOwnerExists() throws {
        let store = ObjectStore()
        let first = try store.create(.configMaps, namespace: "default", Samples.configMap("first"))
        let second = try store.create(.configMaps, namespace: "default", Samples.configMap("second"))
        try store.create(.configMaps, namespace: "default", Samples.configMap("shared", owners: [first, second]))
        try store.delete(.configMaps, namespace: "default", name: "first")
        store.collectGarbage()
        let shared = store.get(.configMaps, namespace: "default", name: "shared")
        #expect(shared?.ownerReferences.map { $0["name"]?.stringValue } == ["second"])
    }

    @Test("foreground deletion waits for the dependents, and orphaning keeps them")
    func foregroundDeletionWaitsForDependentsAndOrphaningKeepsThem() throws {
        let store = ObjectStore()
        let owner = try store.create(.configMaps, namespace: "default", Samples.configMap("owner"))
        var held = Samples.configMap("held", owners: [owner])
        held["metadata", "finalizers"] = ["example.com/hold"]
        try store.create(.configMaps, namespace: "default", held)
        try store.delete(.configMaps, namespace: "default", name: "owner", options: .init(propagation: .foreground))
        store.collectGarbage()
        #expect(store.list(.configMaps).items.map(\.isTerminating) == [true, true])
        try store.update(.configMaps, namespace: "default", name: "held") {
            $0["metadata", "finalizers"] = .array(
                $0.finalizers.filter { $0 != "example.com/hold" }.map(JSONValue.string)
            )
        }
        store.collectGarbage()
        #expect(store.list(.configMaps).items.isEmpty)

        let parent = try store.create(.configMaps, namespace: "default", Samples.configMap("parent"))
        try store.create(.configMaps, namespace: "default", Samples.configMap("orphan", owners: [parent]))
        try store.delete(.configMaps, namespace: "default", name: "parent", options: .init(propagation: .orphan))
        store.collectGarbage()
        #expect(store.list(.configMaps).items.map(\.name) == ["orphan"])
        #expect(store.list(.configMaps).items[0].ownerReferences.isEmpty)
    }

    @Test("a namespace is deleted with its objects, and refuses new ones meanwhile")
    func aNamespaceIsDeletedWithItsObjectsAndRefusesNewOnes() throws {
        let store = ObjectStore()
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": "n"]])
        try store.create(.services, namespace: "n", Samples.service("s"))
        try store.create(.pods, namespace: "n", Samples.pod("p", node: "node"))
        try store.delete(.namespaces, namespace: nil, name: "n")
        do {
            try store.create(.services, namespace: "n", Samples.service("late"))
            Issue.record("a terminating namespace took something in")
        } catch let failure as StatusFailure {
            #expect(failure.code == 403)
            #expect(failure.causes.map(\.reason) == ["NamespaceTerminating"])
        }
        store.collectGarbage()
        #expect(store.get(.namespaces, namespace: nil, name: "n") == nil)
        #expect(store.list(.services, namespace: "n").items.isEmpty)
        #expect(store.list(.pods, namespace: "n").items.isEmpty)
    }

    @Test("the running collector deletes the dependents of an owner that is deleted")
    func theRunningCollectorDeletesTheDependentsOfADeletedOwner() async throws {
        let store = ObjectStore()
        let owner = try store.create(.configMaps, namespace: "default", Samples.configMap("owner"))
        try store.create(.configMaps, namespace: "default", Samples.configMap("leaf", owners: [owner]))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await store.runGarbageCollection() }
            let changes = store.changes(of: .configMaps)
            _ = try? store.delete(.configMaps, namespace: "default", name: "owner")
            for await change in changes where change.action == .deleted && change.object.name == "leaf" { break }
            group.cancelAll()
        }
        #expect(store.list(.configMaps).items.isEmpty)
    }
}
