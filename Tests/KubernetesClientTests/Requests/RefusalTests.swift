import Basics
import HTTPTransport
import KubernetesModel
import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

/// The causes for which a server refuses a write. The messages are those of kube-apiserver 1.20 and, for policies,
/// 1.30.
@Suite("Refused writes", .timeLimit(.minutes(10)))
struct RefusalTests {
    struct Refusal: Sendable, CustomStringConvertible {
        let code: Int
        let reason: String
        let message: String
        var details = "{}"
        let kind: KubernetesError.Kind

        var description: String { "\(code) \(message)" }
        var reply: ScriptedTransport.Reply {
            let escaped = message.replacing("\"", with: "\\\"")
            return .json(code, JSON.status(code, reason, message: escaped, details: details))
        }
    }

    private static let named = #"{"name":"p","kind":"services"}"#
    private static let denied = #"admission webhook "guard.example.com" denied the request"#

    static let refusals: [Refusal] = [
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"services is forbidden: User "low" cannot create resource "services" in API group "" in the "#
                + #"namespace "n""#,
            details: #"{"kind":"services"}"#,
            kind: .forbidden
        ),
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"services "p" is forbidden: User "low" cannot delete resource "services": RBAC: role not found"#,
            details: named,
            kind: .forbidden
        ),
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"services "p" is forbidden: exceeded quota: q, requested: count/services=1, used: "#
                + "count/services=0, limited: count/services=0",
            details: named,
            kind: .quotaExceeded
        ),
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"services "p" is forbidden: status unknown for quota: q, resources: count/services"#,
            details: named,
            kind: .quotaExceeded
        ),
        Refusal(
            code: 500,
            reason: "InternalError",
            message: #"Internal error occurred: failed calling webhook "guard.example.com": Post "#
                + #""https://127.0.0.1:1/x?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused"#,
            kind: .webhookFailed
        ),
        // The webhook chooses the code.
        Refusal(code: 400, reason: "", message: "\(denied): no", kind: .webhookDenied),
        Refusal(code: 400, reason: "", message: "\(denied) without explanation", kind: .webhookDenied),
        Refusal(code: 403, reason: "Forbidden", message: "\(denied): exceeded quota: q", kind: .webhookDenied),
        Refusal(code: 404, reason: "NotFound", message: "\(denied): no", details: named, kind: .webhookDenied),
        Refusal(code: 409, reason: "Conflict", message: "\(denied): no", kind: .webhookDenied),
        Refusal(code: 410, reason: "Gone", message: "\(denied): no", kind: .webhookDenied),
        Refusal(code: 429, reason: "TooManyRequests", message: "\(denied): no", kind: .webhookDenied),
        Refusal(code: 500, reason: "InternalError", message: "\(denied): no", kind: .webhookDenied),
        Refusal(
            code: 422,
            reason: "Invalid",
            message: #"services "p" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'all' denied "#
                + #"request: User "x" may have no services"#,
            details: named,
            kind: .policyDenied
        ),
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"pods "p" is forbidden: violates PodSecurity "restricted:latest": privileged"#,
            details: named,
            kind: .policyDenied
        ),
        Refusal(
            code: 403,
            reason: "Forbidden",
            message: #"services "p" is forbidden: unable to create new content in namespace n because it is being "#
                + "terminated",
            details: #"{"name":"p","causes":[{"reason":"NamespaceTerminating"}]}"#,
            kind: .namespaceTerminating
        ),
        Refusal(
            code: 422,
            reason: "Invalid",
            message: #"Service "p" is invalid: spec.ports[0].port: Invalid value: 0"#,
            details: #"{"name":"p","causes":[{"reason":"FieldValueInvalid"}]}"#,
            kind: .invalid
        ),
        Refusal(code: 400, reason: "BadRequest", message: "Service in version v1 cannot be handled", kind: .rejected),
        Refusal(code: 500, reason: "InternalError", message: "conversion webhook for x failed", kind: .serverError),
    ]

    @Test("Each cause has its kind, and is reported to the failure observer once", arguments: refusals)
    func eachCauseHasItsKindAndIsReportedOnce(refusal: Refusal) async throws {
        let told = Mutex<[KubernetesError]>([])
        let fixture = try ClientFixture(failureObserver: { error in told.withLock { $0.append(error) } }) { _, _ in
            refusal.reply
        }
        let service = Service(metadata: ObjectMeta(name: "p"), spec: Service.Spec())
        let error = try await fixture.error { try await fixture.client.create(service, in: "n") }
        #expect(error?.kind == refusal.kind)
        #expect(error?.isRefusal == true)
        #expect(error?.meansObjectIsMissing == false)
        #expect(told.withLock { $0.map(\.kind) } == [refusal.kind])
        #expect(told.withLock { $0.first?.operation } == "create services")
        #expect(told.withLock { $0.first?.sensitiveStatus?.message } == refusal.message)
        // Only a denied access is retried, because a server that has just started denies access for a moment.
        if refusal.kind == .forbidden {
            #expect((2...RetryPolicy().maxAttempts).contains(fixture.lines.count))
        } else {
            #expect(fixture.lines.count == 1)
        }
    }

    @Test("A webhook that refuses a delete with 404 has not deleted anything")
    func aRefusedDeleteIsNoDeletion() async throws {
        let refusal = Refusal(code: 404, reason: "NotFound", message: "\(Self.denied): no", kind: .webhookDenied)
        let fixture = try ClientFixture { _, _ in refusal.reply }
        let error = try await fixture.error {
            try await fixture.client.delete(Service.self, named: "p", in: "n", preconditions: Preconditions(uid: "u"))
        }
        #expect(error?.kind == .webhookDenied)
    }

    @Test("A response that states a fact is not a refusal")
    func aResponseThatStatesAFactIsNotARefusal() async throws {
        let details = #"{"name":"p","kind":"pods"}"#
        let answers = [
            (404, "NotFound", details), (409, "Conflict", details), (409, "AlreadyExists", details),
            (410, "Expired", "{}"), (422, "Invalid", "{}"),
        ]
        for (code, reason, details) in answers {
            let fixture = try ClientFixture(.json(code, JSON.status(code, reason, details: details)))
            let error = try await fixture.error {
                try await fixture.client.patchMetadata(
                    of: Pod.self,
                    named: "p",
                    in: "n",
                    .json([.add(.annotation("a"), "1")])
                )
            }
            #expect(error?.isRefusal == false, "\(code) \(reason)")
        }
    }

    @Test("A caller that disconnects is counted as such, not as a failure")
    func cancellationIsObserved() async throws {
        let observed = Mutex<[RequestObservation]>([])
        let failures = Mutex(0)
        let fixture = try ClientFixture(
            observer: { observation in observed.withLock { $0.append(observation) } },
            failureObserver: { _ in failures.withLock { $0 += 1 } }
        ) { _, _ in .silence }
        let work = Task { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        await fixture.transport.waitForExchanges(1)
        work.cancel()
        await #expect(throws: CancellationError.self) { _ = try await work.value }
        #expect(observed.withLock { $0.map(\.outcome) } == ["cancelled"])
        #expect(observed.withLock { $0.first?.statusCode } == .some(nil))
        #expect(failures.withLock { $0 } == 0)
    }
}
