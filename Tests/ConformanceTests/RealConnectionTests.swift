import Basics
import CurlHTTP
import Foundation
import HTTPTransport
import HTTPTypes
import KubernetesClient
import KubernetesModel
import TestPeers
import TestSupport
import Testing

/// HTTP/2 connections to a real kube-apiserver that closes them, or that can no longer be reached over them.
@Suite(
    "Connections to a real kube-apiserver",
    .enabled(
        if: RealControlPlane.isAvailable,
        "KUBEBUILDER_ASSETS and TEST_CRDS name no kube-apiserver and no resource definitions"
    ),
    .timeLimit(.minutes(10))
)
struct RealConnectionTests {
    private static let namespace = "default"
    private static let objectCount = 150
    private static let concurrency = 32

    @Test("If a server closes connections at random, no write fails and none is carried out twice")
    func connectionsClosedAtRandomFailAndRepeatNoWrite() async throws {
        try await RealControlPlane.with(apiServerFlags: ["--goaway-chance=0.02"]) { plane in
            try await withProxy(to: plane) { proxy, client in
                try await eachAtOnce { try await Self.write($0, with: client) }
                // Each connection that the server closed led to a new one.
                #expect(proxy.connectionCount > 3)
                let log = try String(contentsOfFile: plane.auditLog, encoding: .utf8)
                for (verb, code) in [("create", 201), ("patch", 200), ("delete", 200)] {
                    let writes = try log.split(separator: "\n").filter { try Self.isWrite($0, verb: verb) }
                    #expect(writes.count == Self.objectCount, "\(verb)")
                    #expect(try writes.allSatisfy { try Self.code(of: $0) == code }, "\(verb)")
                }
            }
        }
    }

    /// Creates, changes and deletes one object, each with a single attempt of the client.
    @Sendable private static func write(_ number: Int, with client: KubernetesClient) async throws {
        let name = "goaway-\(number)"
        let service = Service(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: Service.Spec(type: "ClusterIP", ports: [Service.Port(port: 80, targetPort: .number(3000))])
        )
        let created = try await client.create(service, in: namespace)
        let change = MergePatch.annotations(["example.com/changed": "yes"])
        _ = try await client.patchMetadata(of: Service.self, named: name, in: namespace, .merge(change))
        let uid = Preconditions(uid: try #require(created.metadata.uid))
        let result = try await client.delete(Service.self, named: name, in: namespace, preconditions: uid)
        #expect(result == .deleted)
    }

    @Test("Writes work again over a new connection when the open one is dead")
    func writesUseANewConnectionWhenTheOpenOneIsDead() async throws {
        try await RealControlPlane.with { plane in
            try await withProxy(to: plane) { proxy, client in
                try await Self.write(1, with: client)
                proxy.muteOpenConnections()
                let began = ContinuousClock.now
                var number = 2
                while number < 6 {
                    do {
                        try await Self.write(number, with: client)
                        break
                    } catch let error as KubernetesError {
                        #expect(error.kind == .transport(.timedOut))
                        number += 1
                    }
                }
                #expect(number == 3)
                #expect(began.duration(to: .now) < .seconds(15))
            }
        }
    }

    // MARK: Helpers

    /// Puts a proxy in front of the API server, and passes a client that sends nothing twice.
    private func withProxy(
        to plane: RealControlPlane,
        _ body: @Sendable (MutingProxy, KubernetesClient) async throws -> Void
    ) async throws {
        let configuration = try ClusterConfiguration.discover(kubeconfig: plane.kubeconfig)
        let port = try #require(configuration.server.authority.split(separator: ":").last.flatMap { Int($0) })
        try await MutingProxy.run(to: port) { proxy in
            var proxied = configuration
            proxied.server = try BaseURL("https://\(proxy.authority)")
            let client = KubernetesClient(
                configuration: proxied,
                limits: RequestLimits(attemptTimeout: .seconds(4)),
                retryPolicy: RetryPolicy(maxAttempts: 1)
            ) { try CurlTransport(trust: $0.trust) }
            try await body(proxy, client)
        }
    }

    private func eachAtOnce(_ work: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in 0..<Self.concurrency {
                group.addTask {
                    for number in stride(from: first, to: Self.objectCount, by: Self.concurrency) {
                        try await work(number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private struct AuditEvent: Decodable {
        struct Reference: Decodable {
            var resource: String?
            var name: String?
        }
        struct Status: Decodable {
            var code: Int?
        }
        let verb: String
        let stage: String
        let objectRef: Reference?
        let responseStatus: Status?
    }

    private static func event(_ line: Substring) throws -> AuditEvent {
        try JSONDecoder().decode(AuditEvent.self, from: Data(line.utf8))
    }

    private static func isWrite(_ line: Substring, verb: String) throws -> Bool {
        guard line.contains("goaway-") || line.contains("\"services\"") else { return false }
        let event = try event(line)
        return event.verb == verb && event.stage == "ResponseComplete" && event.objectRef?.resource == "services"
            && (event.objectRef?.name?.hasPrefix("goaway-") ?? true)
    }

    private static func code(of line: Substring) throws -> Int? {
        try event(line).responseStatus?.code
    }
}
