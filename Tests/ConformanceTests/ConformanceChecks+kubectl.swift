import Foundation
import HTTPTransport
import HTTPTypes
import KubernetesModel
import TestPeers
import Testing

/// Requests on which `kubectl` and scripts rely, as they send them.
extension ConformanceChecks {
    private static let routesGroup = "/apis/gateway.networking.k8s.io/v1"
    private static let apply = "application/apply-patch+yaml"
    private static let merge = "application/merge-patch+json"
    private static let jsonPatch = "application/json-patch+json"
    private static let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    private static func services(_ cluster: ClusterUnderTest) -> String {
        "/api/v1/namespaces/\(cluster.namespace)/services"
    }

    private static func routes(_ cluster: ClusterUnderTest) -> String {
        "\(routesGroup)/namespaces/\(cluster.namespace)/httproutes"
    }

    private static func service(_ name: String, _ metadata: String = "", port: Int = 80) -> String {
        #"""
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"\#(name)"\#(metadata)},
         "spec":{"selector":{"app":"none"},"ports":[{"port":\#(port),"protocol":"TCP","targetPort":3000}]}}
        """#
    }

    // MARK: Discovery and lists

    @Sendable static func kubectlDiscovery(_ cluster: ClusterUnderTest) async throws {
        let version = try await json(cluster, .get, "/version")
        #expect(version["major"]?.text == "1")
        #expect(version["gitVersion"]?.text?.hasPrefix("v1.") == true)
        let core = try await json(cluster, .get, "/api")
        #expect(core["versions"]?.elements?.compactMap(\.text).contains("v1") == true)
        let groups = try await json(cluster, .get, "/apis")
        let group = groups["groups"]?.elements?.first { $0["name"]?.text == "gateway.networking.k8s.io" }
        #expect(group?["preferredVersion"]?["groupVersion"]?.text == "gateway.networking.k8s.io/v1")
        let kinds = try await json(cluster, .get, routesGroup)
        let routes = kinds["resources"]?.elements?.first { $0["name"]?.text == "httproutes" }
        #expect(routes?["kind"]?.text == "HTTPRoute")
        #expect(routes?["singularName"]?.text == "httproute")
        #expect(routes?["namespaced"]?.flag == true)
        let verbs = Set(routes?["verbs"]?.elements?.compactMap(\.text) ?? [])
        #expect(verbs.isSuperset(of: ["create", "delete", "get", "list", "patch", "update", "watch"]))
        #expect(kinds["resources"]?.elements?.contains { $0["name"]?.text == "httproutes/status" } == true)
    }

    @Sendable static func tables(_ cluster: ClusterUnderTest) async throws {
        try await post(cluster, services(cluster), service("tabled", #","labels":{"check":"tables"}"#))
        let path = "\(services(cluster))?labelSelector=check%3Dtables"
        let list = try await json(cluster, .get, path, accept: table)
        #expect(list["kind"]?.text == "Table")
        #expect(list["columnDefinitions"]?.elements?.first?["name"]?.text == "Name")
        let row = list["rows"]?.elements?.first
        #expect(row?["cells"]?.elements?.first?.text == "tabled")
        #expect(row?["object"]?["kind"]?.text == "PartialObjectMetadata")
        #expect(list["metadata"]?["resourceVersion"]?.text?.isEmpty == false)
    }

    @Sendable static func fieldSelectors(_ cluster: ClusterUnderTest) async throws {
        for name in ["chosen", "other"] {
            try await post(cluster, services(cluster), service(name, #","labels":{"check":"fields"}"#))
        }
        let selector = "fieldSelector=metadata.name%3Dchosen"
        let list = try await json(cluster, .get, "\(services(cluster))?\(selector)")
        #expect(list["items"]?.elements?.compactMap { $0["metadata"]?["name"]?.text } == ["chosen"])
        let frames = try await watch(cluster, "\(services(cluster))?watch=true&timeoutSeconds=1&\(selector)")
        #expect(frames.compactMap { $0["object"]?["metadata"]?["name"]?.text } == ["chosen"])
        #expect(
            await status(cluster, .get, "\(services(cluster))?fieldSelector=spec.nothing%3Dx") == 400,
            "a field that no selector may name"
        )
    }

    // MARK: Writing

    @Sendable static func serverSideApply(_ cluster: ClusterUnderTest) async throws {
        let path = "\(services(cluster))/applied"
        func applied(_ port: Int, _ manager: String, force: Bool = false) async throws -> JSONDocument {
            let query = "?fieldManager=\(manager)&force=\(force)"
            return try await json(cluster, .patch, path + query, service("applied", port: port), type: apply)
        }
        let created = try await applied(80, "first")
        #expect(created["spec"]?["ports"]?.elements?.first?["port"]?.number == 80)
        let managers = created["metadata"]?["managedFields"]?.elements
        #expect(managers?.first?["manager"]?.text == "first")
        #expect(managers?.first?["operation"]?.text == "Apply")
        // The same apply again changes nothing.
        let again = try await applied(80, "first")
        let versions = [created, again].map { $0["metadata"]?["resourceVersion"]?.text }
        #expect(versions[0] == versions[1])
        let labelled = #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"applied","labels":{"a":"first"}}}"#
        let taken = labelled.replacing("first", with: "second")
        _ = try await json(cluster, .patch, "\(path)?fieldManager=first-label", labelled, type: apply)
        #expect(await status(cluster, .patch, "\(path)?fieldManager=second-label", taken, type: apply) == 409)
        let forced = try await json(cluster, .patch, "\(path)?fieldManager=second-label&force=true", taken, type: apply)
        #expect(forced["metadata"]?["labels"]?["a"]?.text == "second")
        #expect(await status(cluster, .patch, path, service("applied"), type: apply) == 422, "nobody applies")
    }

    @Sendable static func dryRuns(_ cluster: ClusterUnderTest) async throws {
        let made = try await json(cluster, .post, "\(services(cluster))?dryRun=All", service("rehearsed"))
        #expect(made["metadata"]?["name"]?.text == "rehearsed")
        #expect(await status(cluster, .get, "\(services(cluster))/rehearsed") == 404)
        try await post(cluster, services(cluster), service("rehearsed"))
        _ = try await json(cluster, .delete, "\(services(cluster))/rehearsed?dryRun=All")
        #expect(await status(cluster, .get, "\(services(cluster))/rehearsed") == 200)
    }

    @Sendable static func updates(_ cluster: ClusterUnderTest) async throws {
        try await post(cluster, routes(cluster), route("replaced"))
        let path = "\(routes(cluster))/replaced"
        #expect(await status(cluster, .put, path, route("replaced")) == 422, "a custom resource without a version")
        #expect(await status(cluster, .put, path, route("replaced", #","resourceVersion":"1""#)) == 409)
        let version = try await json(cluster, .get, path)["metadata"]?["resourceVersion"]?.text ?? ""
        let updated = try await json(cluster, .put, path, route("replaced", #","resourceVersion":"\#(version)""#))
        #expect(updated["metadata"]?["name"]?.text == "replaced")
        #expect(await status(cluster, .put, path, route("another", #","resourceVersion":"\#(version)""#)) == 400)
    }

    @Sendable static func statusSubresource(_ cluster: ClusterUnderTest) async throws {
        try await post(cluster, routes(cluster), route("with-status"))
        let path = "\(routes(cluster))/with-status"
        let parent = #"""
            {"parentRef":{"name":"gateway"},"controllerName":"example.com/controller","conditions":[{"type":"Accepted",
             "status":"True","reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}
            """#
        let body =
            #"{"metadata":{"labels":{"a":"b"}},"spec":{"hostnames":["x.example.com"]},"status":{"parents":[\#(parent)]}}"#
        let first = try await json(cluster, .patch, "\(path)/status", body, type: merge)
        #expect(first["status"]?["parents"]?.elements?.count == 1)
        #expect(first["spec"]?["hostnames"]?.elements?.compactMap(\.text) == ["named.example.com"])
        #expect(first["metadata"]?["generation"]?.number == 1)
        let second = try await json(cluster, .patch, path, body.replacing(parent, with: ""), type: merge)
        #expect(second["status"]?["parents"]?.elements?.count == 1)
        #expect(second["spec"]?["hostnames"]?.elements?.compactMap(\.text) == ["x.example.com"])
        #expect(second["metadata"]?["generation"]?.number == 2)
    }

    @Sendable static func propagationPolicies(_ cluster: ClusterUnderTest) async throws {
        for policy in ["Background", "Orphan"] {
            let name = "policy-\(policy.lowercased())"
            try await post(cluster, services(cluster), service(name))
            let uid = try await json(cluster, .get, "\(services(cluster))/\(name)")["metadata"]?["uid"]?.text
            let options = #"{"propagationPolicy":"\#(policy)"}"#
            let answer = try await json(cluster, .delete, "\(services(cluster))/\(name)", options)
            if answer["kind"]?.text == "Status" {
                #expect(answer["status"]?.text == "Success")
                #expect(answer["details"]?["uid"]?.text == uid)
            } else {
                #expect(answer["metadata"]?["uid"]?.text == uid)
            }
        }
        let options = #"{"propagationPolicy":"Sideways"}"#
        try await post(cluster, services(cluster), service("policy-none"))
        #expect(await status(cluster, .delete, "\(services(cluster))/policy-none", options) == 422)
    }

    @Sendable static func mergePatchNulls(_ cluster: ClusterUnderTest) async throws {
        try await post(cluster, services(cluster), service("emptied", #","annotations":{"a":"b","c":"d"}"#))
        let path = "\(services(cluster))/emptied"
        let some = try await json(cluster, .patch, path, #"{"metadata":{"annotations":{"a":null}}}"#, type: merge)
        #expect(some["metadata"]?["annotations"]?.members?.keys.sorted() == ["c"])
        let none = try await json(cluster, .patch, path, #"{"metadata":{"annotations":null}}"#, type: merge)
        #expect(none["metadata"]?["annotations"] == nil)
        // The map is gone, so nothing can be added to it. Every JSON Patch of the service takes that into account.
        let patch = #"[{"op":"add","path":"/metadata/annotations/a","value":"b"}]"#
        #expect(await status(cluster, .patch, path, patch, type: jsonPatch) == 422)
    }

    @Sendable static func names(_ cluster: ClusterUnderTest) async throws {
        for name in ["Upper", "under_score", "1-digit-first", String(repeating: "a", count: 64)] {
            #expect(await status(cluster, .post, services(cluster), service(name)) == 422, "\(name)")
        }
        let generated = service("x").replacing(#""name":"x""#, with: #""generateName":"made-""#)
        let made = try await json(cluster, .post, services(cluster), generated)["metadata"]?["name"]?.text ?? ""
        #expect(made.hasPrefix("made-") && made.utf8.count == 10)
    }

    @Sendable static func serviceAddresses(_ cluster: ClusterUnderTest) async throws {
        let made = try await json(cluster, .post, services(cluster), service("addressed"))
        let address = made["spec"]?["clusterIP"]?.text ?? ""
        #expect(!address.isEmpty && address != "None")
        #expect(made["spec"]?["type"]?.text == "ClusterIP")
        #expect(made["spec"]?["ports"]?.elements?.first?["protocol"]?.text == "TCP")
        let change = #"{"spec":{"clusterIP":"10.0.0.77"}}"#
        #expect(await status(cluster, .patch, "\(services(cluster))/addressed", change, type: merge) == 422)
    }

    @Sendable static func malformedRequests(_ cluster: ClusterUnderTest) async throws {
        #expect(await status(cluster, .post, services(cluster), "{") == 400)
        #expect(await status(cluster, .post, services(cluster), service("plain"), type: "text/plain") == 415)
        #expect(await status(cluster, .post, services(cluster), #"{"apiVersion":"v1","kind":"Pod"}"#) == 400)
        try await post(cluster, services(cluster), service("unchanged"))
        let path = "\(services(cluster))/unchanged"
        #expect(await status(cluster, .patch, path, "{}", type: "application/json") == 415)
        #expect(await status(cluster, .get, "\(services(cluster))?labelSelector=%3D%3D") == 400)
        #expect(await status(cluster, .get, "\(services(cluster))?limit=many") == 400)
        #expect(await status(cluster, .get, "\(services(cluster))?limit=1&continue=nonsense") == 400)
        #expect(await status(cluster, .get, "/apis/nowhere.example.com/v1") == 404)
    }

    // MARK: Watches

    @Sendable static func rawWatches(_ cluster: ClusterUnderTest) async throws {
        let label = #","labels":{"check":"raw-watch"}"#
        try await post(cluster, services(cluster), service("watched-1", label))
        let path = "\(services(cluster))?labelSelector=check%3Draw-watch"
        let version = try await json(cluster, .get, path)["metadata"]?["resourceVersion"]?.text ?? ""
        try await post(cluster, services(cluster), service("watched-2", label))
        func names(_ from: String) async throws -> [String] {
            let query = "&watch=true&timeoutSeconds=2&resourceVersion=\(from)"
            let frames = try await watch(cluster, path + query).filter { $0["type"]?.text == "ADDED" }
            return frames.compactMap { $0["object"]?["metadata"]?["name"]?.text }.sorted()
        }
        #expect(try await names(version) == ["watched-2"])
        #expect(try await names("0") == ["watched-1", "watched-2"])
    }

    // MARK: Requests

    private static func route(_ name: String, _ metadata: String = "") -> String {
        #"""
        {"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"\#(name)"\#(metadata)},
         "spec":{"parentRefs":[{"name":"nobody"}],"hostnames":["named.example.com"],
                 "rules":[{"backendRefs":[{"name":"nobody","port":80}]}]}}
        """#
    }

    private static func post(_ cluster: ClusterUnderTest, _ path: String, _ body: String) async throws {
        try await cluster.raw.send(.post, path, body)
    }

    private static func json(
        _ cluster: ClusterUnderTest,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        type: String = "application/json",
        accept: String = "application/json"
    ) async throws -> JSONDocument {
        var request = cluster.raw.request(method, path, body, type: type)
        request.head.headerFields[.accept] = accept
        return try JSONDecoder().decode(JSONDocument.self, from: Data(try await cluster.raw.send(request)))
    }

    /// - Returns: The status of the response; -1 if there was none.
    private static func status(
        _ cluster: ClusterUnderTest,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        type: String = "application/json"
    ) async -> Int {
        do {
            try await cluster.raw.send(method, path, body, type: type)
            return 200
        } catch {
            return (error as? BareClient.Refusal)?.status ?? -1
        }
    }

    /// The frames of a watch that ends by itself.
    private static func watch(_ cluster: ClusterUnderTest, _ path: String) async throws -> [JSONDocument] {
        try await cluster.raw.send(.get, path).split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(JSONDocument.self, from: Data($0))
        }
    }
}

/// A JSON value, parsed without any code of the service's client or of the development cluster.
private indirect enum JSONDocument: Decodable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case elements([JSONDocument])
    case members([String: JSONDocument])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let elements = try? container.decode([JSONDocument].self) {
            self = .elements(elements)
        } else {
            self = .members(try container.decode([String: JSONDocument].self))
        }
    }

    subscript(name: String) -> JSONDocument? { members?[name] }

    var members: [String: JSONDocument]? { if case .members(let value) = self { value } else { nil } }
    var elements: [JSONDocument]? { if case .elements(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var number: Double? { if case .number(let value) = self { value } else { nil } }
    var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
}
