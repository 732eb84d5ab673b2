import DevCluster
import Testing

@Suite("Changes of objects", .timeLimit(.minutes(10)))
struct ObjectChangesTests {
    @Test("a reader gets the existing objects, then every change in order")
    func aReaderGetsTheExistingObjectsThenEveryChangeInOrder() async throws {
        let store = ObjectStore()
        try store.create(.services, namespace: "default", Samples.service("a"))
        let changes = store.changes(of: .services, namespace: "default")
        try store.create(.services, namespace: "kube-system", Samples.service("elsewhere"))
        try store.create(.services, namespace: "default", Samples.service("b"))
        try store.update(.services, namespace: "default", name: "a") { $0["metadata", "labels"] = ["x": "y"] }
        try store.delete(.services, namespace: "default", name: "b")
        changes.finish()
        var seen: [String] = []
        var versions: [Int] = []
        for await change in changes {
            seen.append("\(change.action.rawValue) \(change.object.name)")
            versions.append(change.resourceVersion)
        }
        #expect(seen == ["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"])
        #expect(versions == versions.sorted())
    }

    @Test("a reader that falls behind is cut off, and the store drops its changes")
    func aReaderThatFallsBehindIsCutOff() async throws {
        var limits = ObjectStore.Limits()
        limits.watchBuffer = 3
        let store = ObjectStore(limits: limits)
        let changes = store.changes(of: .configMaps)
        for index in 0..<10 { try store.create(.configMaps, namespace: "default", Samples.configMap("c\(index)")) }
        var count = 0
        for await _ in changes { count += 1 }
        #expect(changes.wasCutOff)
        #expect(count == 0)
    }

    @Test("cancelling the reader ends its sequence")
    func cancellingTheReaderEndsItsSequence() async {
        let store = ObjectStore()
        let changes = store.changes(of: .pods)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in changes {} }
            group.cancelAll()
        }
        #expect(!changes.wasCutOff)
    }
}
