import DevCluster
import FoundationEssentials
import HTTPTypes
import Testing

@Suite("Reading through the API", .timeLimit(.minutes(10)))
struct APIServerReadingTests {
    static let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    static let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

    @Test("all pages show the version of the first page until that version has left the history")
    func allPagesShowTheVersionOfTheFirstPage() async throws {
        var limits = ObjectStore.Limits()
        limits.history = 16
        try await APIClient.withServer(store: ObjectStore(limits: limits)) { server, client async throws in
            for name in ["a", "b", "c", "d"] {
                try server.store.create(.services, namespace: "default", Samples.service(name))
            }
            let first = try await client.get("\(Samples.services)?limit=2")
            #expect(first.names == ["a", "b"])
            #expect(first.json["metadata", "remainingItemCount"] == 2)
            let token = try #require(first.json["metadata", "continue"]?.stringValue)
            try server.store.delete(.services, namespace: "default", name: "c")
            try server.store.create(.services, namespace: "default", Samples.service("bb"))
            let padding = String(repeating: "%3D", count: token.count { $0 == "=" })
            let next = "\(Samples.services)?limit=2&continue=\(token.filter { $0 != "=" })\(padding)"
            let second = try await client.get(next)
            #expect(second.names == ["c", "d"])
            #expect(second.json.resourceVersion == first.json.resourceVersion)
            #expect(second.json["metadata", "continue"]?.stringValue ?? "" == "")
            for index in 0..<20 {
                try server.store.create(.configMaps, namespace: "default", Samples.configMap("c\(index)"))
            }
            let expired = try await client.get(next)
            #expect((expired.status, expired.reason) == (410, "Expired"))
            #expect(
                try await client.get("\(Samples.services)?limit=1&resourceVersion=0").names == ["a", "b", "bb", "d"]
            )
            #expect(try await client.get("\(Samples.services)?continue=nonsense").status == 400)
        }
    }

    @Test("a resourceVersion in the future is answered with 504 and Retry-After")
    func aFutureResourceVersionIsA504WithRetryAfter() async throws {
        try await APIClient.withServer { _, client async throws in
            let answer = try await client.get("\(Samples.services)?resourceVersion=99999")
            #expect((answer.status, answer.reason) == (504, "Timeout"))
            #expect(answer.headers[.retryAfter] == "1")
        }
    }

    @Test("the Accept header selects whole objects, their metadata or a table")
    func theAcceptHeaderSelectsObjectsMetadataOrATable() async throws {
        try await APIClient.withServer { server, client async throws in
            for name in ["a", "b"] { try server.store.create(.httpRoutes, namespace: "default", Samples.route(name)) }
            let metadata = try await client.get("\(Samples.routes)?limit=1", accept: Self.metadata).json
            #expect(metadata["kind"] == "PartialObjectMetadataList")
            #expect(metadata["metadata", "remainingItemCount"] == nil)
            #expect(metadata["items"]?[0]?["spec"] == nil)
            #expect(metadata["items"]?[0]?["metadata", "managedFields"] != nil)
            let table = try await client.get(Samples.routes, accept: Self.table).json
            #expect(table["columnDefinitions"]?.arrayValue?.map { $0["name"] } == ["Name", "Hostnames", "Age"])
            #expect(table["rows"]?[0]?["cells"]?[0] == "a")
            #expect(table["rows"]?[0]?["object", "kind"] == "PartialObjectMetadata")
            #expect(try await client.get(Samples.routes, accept: "text/html").status == 406)
            let whole = try await client.get(Samples.routes).json
            #expect(whole["items"]?[0]?["kind"] == "HTTPRoute")
        }
    }

    @Test("objects are selected by labels and by fields")
    func objectsAreSelectedByLabelsAndFields() async throws {
        try await APIClient.withServer { server, client async throws in
            for name in ["a", "b", "c"] {
                try server.store.create(.services, namespace: "default", Samples.service(name, labels: ["l": name]))
            }
            #expect(try await client.get("\(Samples.services)?labelSelector=l+in+(a,b)").names == ["a", "b"])
            #expect(try await client.get("\(Samples.services)?fieldSelector=metadata.name%3Dc").names == ["c"])
            #expect(try await client.get("\(Samples.services)?fieldSelector=spec.nonsense%3Dc").status == 400)
            #expect(try await client.get("/api/v1/services").names == ["a", "b", "c"])
        }
    }

    @Test("discovery lists the served versions only, in its plain and in its aggregated form")
    func discoveryListsTheServedVersionsOnly() async throws {
        let kinds = ResourceKind.all.map { $0 == .sandboxClaims ? $0.serving("v1alpha1") : $0 }
        try await APIClient.withServer(store: ObjectStore(kinds: kinds)) { _, client async throws in
            #expect(try await client.get("/api/").json["versions"] == ["v1"])
            let group = try await client.get("/apis/extensions.agents.x-k8s.io").json
            #expect(group["preferredVersion", "version"] == "v1alpha1")
            let list = try await client.get("/apis/gateway.networking.k8s.io/v1").json
            let names = list["resources"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(names.contains("httproutes") && names.contains("httproutes/status"))
            let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            let aggregated = try await client.get("/apis", accept: accept)
            #expect(aggregated.json["kind"] == "APIGroupDiscoveryList")
            #expect(aggregated.headers[.contentType]?.contains("as=APIGroupDiscoveryList") == true)
            #expect(try await client.get("/openapi/v3").json["paths", "api/v1"] != nil)
            #expect(try await client.get("/openapi/v2").status == 404)
            #expect(try await client.get("/apis/none.example.com").status == 404)
            #expect(try await client.get("/api/v1/nothings").reason == "NotFound")
            let create = try await client.post(Samples.claims, ["metadata": ["name": "c"]])
            #expect(create.status == 404)
        }
    }

    @Test("a version that cannot be converted is listed while there is no object, and fails with 500 afterwards")
    func anUnconvertibleVersionFailsOnceThereIsAnObject() async throws {
        try await APIClient.withServer { server, client async throws in
            let old = "/apis/extensions.agents.x-k8s.io/v1alpha1/namespaces/default/sandboxclaims"
            let empty = try await client.get(old)
            #expect(empty.status == 200)
            let name = try #require(HTTPField.Name("Warning"))
            #expect(empty.headers[name]?.contains("is deprecated") == true)
            try server.store.create(.sandboxClaims, namespace: "default", ["metadata": ["name": "c"]])
            #expect(try await client.get(old).status == 500)
            #expect(try await client.get(Samples.claims).names == ["c"])
        }
    }

    @Test("every answer has the server's time in its Date header, moved by the clock offset")
    func everyResponseHasTheServersTimeWithTheClockOffset() async throws {
        let store = ObjectStore(now: { Date(timeIntervalSince1970: 784_111_777) })
        try await APIClient.withServer(store: store) { server, client async throws in
            #expect(try await client.get("/readyz").headers[.date] == "Sun, 06 Nov 1994 08:49:37 GMT")
            server.faults.clockOffset = .seconds(600)
            #expect(try await client.get(Samples.services).headers[.date] == "Sun, 06 Nov 1994 08:59:37 GMT")
        }
    }
}
