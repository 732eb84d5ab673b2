import DevCluster
import Testing

@Suite("Watching through the API", .timeLimit(.minutes(10)))
struct APIServerWatchTests {
    @Test("a watch sends an object as ADDED or DELETED when it starts or stops matching the selector")
    func anObjectIsAddedOrDeletedWhenItStartsOrStopsMatchingTheSelector() async throws {
        try await APIClient.withServer { server, client async throws in
            let store = server.store
            try store.create(.services, namespace: "default", Samples.service("a", labels: ["on": "yes"]))
            try await client.watch("\(Samples.services)?watch=true&labelSelector=on%3Dyes") { frames async throws in
                #expect(try await frames.nextChange() == "ADDED a")
                try store.create(.services, namespace: "default", Samples.service("b"))
                try store.update(.services, namespace: "default", name: "b") {
                    $0["metadata", "labels"] = ["on": "yes"]
                }
                #expect(try await frames.nextChange() == "ADDED b")
                try store.update(.services, namespace: "default", name: "b") { $0["metadata", "labels", "x"] = "y" }
                #expect(try await frames.nextChange() == "MODIFIED b")
                let last = try store.update(.services, namespace: "default", name: "b") {
                    $0["metadata", "labels"] = nil
                }
                let gone = try #require(try await frames.next())
                #expect(gone["type"] == "DELETED")
                #expect(gone["object"]?.resourceVersion == last.resourceVersion)
                try store.delete(.services, namespace: "default", name: "a")
                #expect(try await frames.nextChange() == "DELETED a")
            }
        }
    }

    @Test("a watch resumes after the version of a list")
    func aWatchResumesAfterTheVersionOfAList() async throws {
        try await APIClient.withServer { server, client async throws in
            try server.store.create(.services, namespace: "default", Samples.service("a"))
            let version = try await client.get(Samples.services).json.resourceVersion
            try server.store.create(.services, namespace: "default", Samples.service("b"))
            try await client.watch("\(Samples.services)?watch=1&resourceVersion=\(version)") { frames async throws in
                #expect(try await frames.nextChange() == "ADDED b")
                try server.store.delete(.services, namespace: "default", name: "a")
                #expect(try await frames.nextChange() == "DELETED a")
            }
        }
    }

    @Test("a version before the history is an ERROR frame of code 410 in an answer of status 200")
    func aVersionBeforeTheHistoryIsAnErrorFrameOfCode410() async throws {
        var limits = ObjectStore.Limits()
        limits.history = 2
        try await APIClient.withServer(store: ObjectStore(limits: limits)) { server, client async throws in
            for index in 0..<4 {
                try server.store.create(.configMaps, namespace: "default", Samples.configMap("c\(index)"))
            }
            let answer = try await client.get("\(Samples.services)?watch=1&resourceVersion=1")
            #expect(answer.status == 200)
            #expect(answer.json["type"] == "ERROR")
            #expect(answer.json["object", "code"] == 410)
        }
    }

    @Test("a bookmark has the later version of its kind's last change and the watch's start, and one precedes the end")
    func bookmarksHaveTheLatestVersionAndOnePrecedesTheEnd() async throws {
        var configuration = APIServer.Configuration()
        configuration.clock = ImmediateClock()
        try await APIClient.withServer(configuration) { server, client async throws in
            let first = try server.store.create(.configMaps, namespace: "default", Samples.configMap("earlier"))
            let last = try server.store.create(.services, namespace: "default", Samples.service("a")).resourceVersion
            try server.store.create(.configMaps, namespace: "default", Samples.configMap("later"))
            let newest = "\(server.store.resourceVersion)"
            let path = "\(Samples.services)?watch=1&timeoutSeconds=120&allowWatchBookmarks=true"
            for (start, expected) in [(first.resourceVersion, last), (last, last), (newest, newest)] {
                try await client.watch("\(path)&resourceVersion=\(start)") { frames async throws in
                    if start == first.resourceVersion { #expect(try await frames.nextChange() == "ADDED a") }
                    for _ in 0..<2 {
                        let frame = try #require(try await frames.next())
                        #expect(frame["type"] == "BOOKMARK")
                        #expect(frame["object"]?.resourceVersion == expected)
                        #expect(frame["object", "kind"] == "Service")
                    }
                    #expect(try await frames.next() == nil)
                }
            }
            let silent = "\(Samples.services)?watch=1&timeoutSeconds=120&resourceVersion=\(newest)"
            try await client.watch(silent) { frames async throws in #expect(try await frames.next() == nil) }
        }
    }

    @Test("a watch sends metadata or tables if its Accept header asks for them")
    func aWatchSendsMetadataOrTablesOnRequest() async throws {
        try await APIClient.withServer { server, client async throws in
            for name in ["a", "b"] { try server.store.create(.httpRoutes, namespace: "default", Samples.route(name)) }
            let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
            try await client.watch("\(Samples.routes)?watch=1", accept: metadata) { frames async throws in
                let frame = try await frames.next()
                #expect(frame?["object", "kind"] == "PartialObjectMetadata")
            }
            try await client.watch("\(Samples.routes)?watch=1", accept: APIServerReadingTests.table) {
                frames async throws in
                let first = try await frames.next()
                #expect(first?["object", "rows"]?[0]?["cells"]?[0] == "a")
                #expect(first?["object", "columnDefinitions"]?.arrayValue?.count == 3)
                let second = try await frames.next()
                #expect(second?["object", "columnDefinitions"]?.isNull == true)
            }
        }
    }

    @Test("a streaming list is refused, as by a server without that feature")
    func aStreamingListIsRefused() async throws {
        try await APIClient.withServer { _, client async throws in
            let answer = try await client.get(
                "\(Samples.services)?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
            )
            #expect((answer.status, answer.causes) == (422, ["sendInitialEvents"]))
        }
    }
}
