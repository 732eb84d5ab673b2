internal import CDocuments
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PrometheusMetrics
internal import YAMLKit

/// Liveness and readiness, for the kubelet. They need no credentials and reveal nothing about any preview.
///
/// A replica that can answer requests is ready. If it cannot start previews, or cannot reach the cluster, it remains in
/// service: the other replicas are in the same state, and without any of them no preview could be kept alive.
struct HealthRoutes: Sendable {
    let core: ReplicaCore
    let draining: Draining
    let build: BuildInfo

    func add(to router: Router<PreviewRequestContext>) {
        router.get("healthz") { _, _ in
            try JSONBody(["status": "ok", "version": build.version, "commit": build.commit, "built": build.date])
        }
        router.get("readyz") { _, _ in
            if draining.hasBegun { return try notReady("this replica is shutting down", retryAfter: .zero) }
            guard core.brake.hasSweepBeenTried else {
                return try notReady("the cluster's previews have not been listed yet", retryAfter: .seconds(1))
            }
            return try JSONBody(ReadinessBody(core, obstacle: nil))
        }
    }

    private func notReady(_ obstacle: String, retryAfter: Duration) throws -> JSONBody {
        var body = try JSONBody(ReadinessBody(core, obstacle: obstacle), status: .serviceUnavailable)
        body.headers[.retryAfter] = "\(retryAfter.wholeSecondsUp)"
        return body
    }
}

/// The identification of a build.
public struct BuildInfo: Hashable, Sendable {
    /// The release, for example `1.2.0`.
    public let version: String
    /// The commit that it was built from.
    public let commit: String
    /// The time of that commit, RFC 3339: all builds of a commit have the same value.
    public let date: String

    public init(version: String, commit: String, date: String) {
        self.version = version
        self.commit = commit
        self.date = date
    }
}

/// Writes the present values of all metrics of this replica, in Prometheus' text format.
public typealias MetricsPage = @Sendable () -> String

/// The metrics, for Prometheus. They need no credentials and name no preview and no caller.
struct MetricsRoute: Sendable {
    let page: MetricsPage

    func add(to router: Router<PreviewRequestContext>) {
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusText.mediaType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: page()))
            )
        }
    }
}

/// The description of the API, for programs (OpenAPI 3.1): Docs/openapi.yaml, in JSON.
struct DescriptionRoute: Sendable {
    /// Created at the first request: most replicas get none.
    private static let document = Result { ByteBuffer(string: try YAMLNode.document(in: yaml)?.json ?? "null") }

    func add(to router: Router<PreviewRequestContext>) {
        router.get("openapi.json") { _, _ in JSONBody(bytes: try Self.document.get(), status: .ok) }
    }

    private static var yaml: UnsafeBufferPointer<UInt8> {
        var count = 0
        let start = cdocuments_openapi(&count)
        return UnsafeBufferPointer(start: start, count: count)
    }
}
