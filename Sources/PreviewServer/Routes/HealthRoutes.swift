internal import Hummingbird
internal import PreviewControl

/// Liveness and readiness, for the kubelet. They need no credentials and tell nothing about any preview.
struct HealthRoutes: Sendable {
    let brake: Brake
    let draining: Draining

    func add(to router: Router<PreviewRequestContext>) {
        router.get("healthz") { _, _ in try JSONBody(["status": "ok"]) }
        router.get("readyz") { _, _ in
            if draining.hasBegun {
                throw APIError(.serviceUnavailable, "Not ready: this replica is shutting down.", retryAfter: .zero)
            }
            if let reason = brake.reason {
                throw APIError(.serviceUnavailable, "Not ready: \(reason).", retryAfter: .seconds(1))
            }
            return try JSONBody(["status": "ok"])
        }
    }
}
