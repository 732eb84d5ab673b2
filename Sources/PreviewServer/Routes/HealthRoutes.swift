internal import Hummingbird
internal import PreviewControl

/// Liveness and readiness, for the kubelet. They need no credentials and tell nothing about any preview.
struct HealthRoutes: Sendable {
    let brake: Brake

    func add(to router: Router<PreviewRequestContext>) {
        router.get("healthz") { _, _ in try JSONBody(["status": "ok"]) }
        router.get("readyz") { _, _ in
            if let reason = brake.reason {
                throw APIError(.serviceUnavailable, "Not ready: \(reason).", retryAfter: .seconds(1))
            }
            return try JSONBody(["status": "ok"])
        }
    }
}
