internal import HTTPTypes
internal import Hummingbird
internal import PreviewControl

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
