internal import CDocuments
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PrometheusMetrics
internal import YAMLKit

/// Liveness and readiness, for the kubelet. They need no credentials and tell nothing about any preview.
///
/// Ready is a replica that can answer requests. That it cannot start previews, or cannot reach the cluster, is no reason to
/// take it out of service: the others are in the same position, and without any of them nobody could keep a preview alive.
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
                return try notReady("the cluster's previews have not been asked for yet", retryAfter: .seconds(1))
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

/// What a build of the service is.
public struct BuildInfo: Hashable, Sendable {
    /// The release, for example `1.2.0`.
    public let version: String
    /// The commit that it was built from.
    public let commit: String
    /// When that commit was made, RFC 3339: a build of the same commit says the same.
    public let date: String

    public init(version: String, commit: String, date: String) {
        self.version = version
        self.commit = commit
        self.date = date
    }
}

/// Writes all metrics of this replica as they are now, in Prometheus' text format.
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

/// The API's description, for programs (OpenAPI 3.1): Docs/openapi.yaml, in JSON.
struct DescriptionRoute: Sendable {
    /// Made once, at the first request: most replicas get none.
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
