import DevCluster
import PreviewControl

/// A fault of an API server, or of the network to it.
enum ClusterFault: String, CaseIterable, Sendable {
    case unauthorized, forbidden, kindNotServed, conflict, invalid, throttled, failing, starting
    /// Refusals by admission: the namespace's quota, a webhook that fails, one that refuses, a policy.
    case quotaExceeded, webhookFailing, webhookDenied, policyDenied
    /// The connection breaks before the request is carried out, or after it.
    case dropped, droppedAfterwards
    /// The request is carried out, and the response says that it failed.
    case failingAfterwards

    /// The value of `Retry-After` when the server throttles.
    static let throttledSeconds = 7

    /// The faults after which a write may have taken effect.
    static let afterwards: [ClusterFault] = [.droppedAfterwards, .failingAfterwards]

    /// The error that a caller gets, and whether a retry can help.
    var outcome: (kind: PreviewError.Kind, canHelp: Bool) {
        switch self {
        case .unauthorized, .forbidden, .kindNotServed, .invalid, .webhookDenied, .policyDenied:
            (.clusterRefused, false)
        case .quotaExceeded, .webhookFailing: (.clusterRefused, true)
        case .conflict, .throttled, .failing, .starting, .dropped, .droppedAfterwards, .failingAfterwards:
            (.clusterUnavailable, true)
        }
    }

    var fault: FaultPlan.Fault {
        switch self {
        case .unauthorized: .respond(StatusFailure(code: 401, reason: "Unauthorized", message: Self.message))
        case .forbidden: .respond(StatusFailure(code: 403, reason: "Forbidden", message: Self.message))
        case .kindNotServed: .respond(StatusFailure(code: 404, reason: "NotFound", message: Self.message))
        case .quotaExceeded:
            .respond(
                StatusFailure(
                    code: 403,
                    reason: "Forbidden",
                    message: #"services "preview-a-secret-token" is forbidden: exceeded quota: small, requested: "#
                        + "count/services=1, used: count/services=3, limited: count/services=3"
                )
            )
        case .webhookFailing:
            .respond(
                StatusFailure(
                    code: 500,
                    reason: "InternalError",
                    message: #"Internal error occurred: failed calling webhook "guard.example.com": Post "#
                        + #""https://10.0.0.1:443/": dial tcp 10.0.0.1:443: connect: connection refused"#
                )
            )
        case .webhookDenied:
            .respond(
                StatusFailure(
                    code: 404,
                    reason: "NotFound",
                    message: #"admission webhook "guard.example.com" denied the request: no preview-a-secret-token"#
                )
            )
        case .policyDenied:
            .respond(
                StatusFailure(
                    code: 422,
                    reason: "Invalid",
                    message: #"services "preview-a-secret-token" is forbidden: ValidatingAdmissionPolicy 'small' "#
                        + "with binding 'all' denied request: no services today"
                )
            )
        case .conflict: .respond(StatusFailure(code: 409, reason: "Conflict", message: Self.message))
        case .invalid: .respond(StatusFailure(code: 422, reason: "Invalid", message: Self.message))
        case .throttled:
            .respond(
                StatusFailure(
                    code: 429,
                    reason: "TooManyRequests",
                    message: Self.message,
                    retryAfterSeconds: Self.throttledSeconds
                )
            )
        case .failing: .respond(StatusFailure(code: 500, reason: "InternalError", message: Self.message))
        case .starting: .respond(StatusFailure(code: 503, reason: "ServiceUnavailable", message: Self.message))
        case .dropped: .drop
        case .droppedAfterwards: .executeThenDrop
        case .failingAfterwards:
            .executeThenRespond(StatusFailure(code: 500, reason: "InternalError", message: Self.message))
        }
    }

    /// Contains an object's name, as a server's messages do; it must not reach any caller.
    private static let message = #"httproutes.gateway.networking.k8s.io "preview-a-secret-token" is wrong"#
}

/// One request of an operation.
struct Step: Sendable, CustomStringConvertible {
    let verb: String
    let resource: String
    /// Whether it is the request after the creation of the preview's Service, if the operation sends it twice.
    var hasService = false

    var description: String { "\(verb) \(resource)" + (hasService ? " (second look)" : "") }

    /// Injects `fault` whenever the request is sent.
    func meets(_ fault: FaultPlan.Fault, on cluster: TestCluster) {
        let (store, hasService) = (cluster.store, hasService)
        cluster.faults.add(
            .init(verb: verb, resource: resource, times: nil, fault: fault) { _ in
                !hasService || !store.list(.services).items.isEmpty
            }
        )
    }
}
