import Foundation
import Synchronization
import TestPeers
import TestSupport

/// A real kube-apiserver, whose audit log shows the requests to it.
final class RealCluster: BenchCluster {
    let place = "real"
    let kubeconfig: String
    private let audit: Mutex<AuditLog>

    private init(_ plane: RealControlPlane) {
        kubeconfig = plane.kubeconfig
        audit = Mutex(AuditLog(path: plane.auditLog))
    }

    /// Runs `body` against a new cluster with the platform's namespace, if ``RealControlPlane`` can start one.
    ///
    /// Only the controllers that take part run: `ttl-after-finished`, and the garbage collector.
    static func withIfAvailable(_ body: @Sendable (any BenchCluster) async throws -> Void) async throws {
        guard RealControlPlane.isAvailable else { return }
        // It is on by default since Kubernetes 1.21.
        let gate = try RealControlPlane.minorVersion() < 21 ? "TTLAfterFinished=true" : nil
        try await RealControlPlane.with(controllers: "ttl-after-finished,garbagecollector", features: gate) { plane in
            let cluster = RealCluster(plane)
            try await Platform(cluster).install()
            try await body(cluster)
        }
    }

    func requests() throws -> RequestCounts {
        try audit.withLock { audit in
            try audit.read()
            return RequestCounts(
                entries: audit.counts.map { .init(verb: $0.verb, resource: $0.resource, count: $1) }
            )
        }
    }

    func deletions(of resource: String) throws -> [String: Double] {
        try audit.withLock { audit in
            try audit.read()
            return audit.deletions[resource] ?? [:]
        }
    }
}

/// The contents of an audit log that grows.
private struct AuditLog {
    struct Kind: Hashable {
        let verb: String
        let resource: String
    }

    private struct Event: Decodable {
        struct User: Decodable {
            let username: String
        }
        struct Object: Decodable {
            let resource: String?
            let name: String?
            let subresource: String?
        }
        struct Status: Decodable {
            let code: Int?
        }

        let stage: String
        let verb: String
        let requestURI: String
        let user: User
        let objectRef: Object?
        let responseStatus: Status?
        let stageTimestamp: String
    }

    private let path: String
    private var offset: UInt64 = 0
    private(set) var counts: [Kind: Int] = [:]
    private(set) var deletions: [String: [String: Double]] = [:]

    init(path: String) {
        self.path = path
    }

    /// Reads what was written since the last call.
    mutating func read() throws {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        try file.seek(toOffset: offset)
        guard let bytes = try file.readToEnd(), let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return }
        offset += UInt64(end - bytes.startIndex + 1)
        let decoder = JSONDecoder()
        for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
            take(try decoder.decode(Event.self, from: Data(line)))
        }
    }

    private mutating func take(_ event: Event) {
        let parts = [event.objectRef?.resource, event.objectRef?.subresource]
        let resource = parts.compactMap(\.self).joined(separator: "/")
        if event.stage == "ResponseComplete", event.verb == "delete", event.responseStatus?.code == 200,
            let name = event.objectRef?.name, let instant = Self.seconds(event.stageTimestamp)
        {
            deletions[resource, default: [:]][name] = instant
        }
        // A watch is counted when it opens, every other request when it is answered.
        guard event.user.username == RealControlPlane.user,
            event.stage == (event.verb == "watch" ? "ResponseStarted" : "ResponseComplete")
        else { return }
        counts[Kind(verb: event.verb, resource: resource.isEmpty ? event.requestURI : resource), default: 0] += 1
    }

    /// RFC 3339 with microseconds.
    private static func seconds(_ text: String) -> Double? {
        guard let dot = text.firstIndex(of: "."), let fraction = Double("0\(text[dot...].dropLast())"),
            let whole = try? Date("\(text[..<dot])Z", strategy: .iso8601)
        else { return nil }
        return whole.timeIntervalSince1970 + fraction
    }
}
