import Basics
import CurlHTTP
import DevCluster
import DevelopmentCertificates
import Foundation
import HTTPTransport
import Hummingbird
import KubernetesClient
import KubernetesModel
import NIOCore
import Synchronization
import TestPeers
import TestSupport
import Testing

/// The responses with which a real kube-apiserver refuses writes, and how the client classifies them.
@Suite("Refused writes on a real API server", .timeLimit(.minutes(10)))
struct RefusalTests {
    @Test(
        "RBAC, quota, failing and refusing webhooks, validation and a terminating namespace are distinguished",
        .enabled(
            if: RealControlPlane.isAvailable,
            "KUBEBUILDER_ASSETS and TEST_CRDS name no kube-apiserver and no resource definitions"
        )
    )
    func theCausesOfRefusalsAreDistinguished() async throws {
        // Without the namespace controller, a deleted namespace stays terminating.
        try await RealControlPlane.with(controllers: "*,-namespace") { plane in
            let cluster = try await ClusterUnderTest(kubeconfig: plane.kubeconfig, namespace: "refusals")
            let failures = Mutex<[KubernetesError]>([])
            let client = try Self.client(plane.kubeconfig) { error in failures.withLock { $0.append(error) } }
            let stranger = try Self.client(plane.strangerKubeconfig) { _ in }

            #expect(
                await Self.refusal { try await stranger.create(cluster.service("a"), in: "refusals") } == .forbidden
            )
            #expect(
                await Self.refusal {
                    var service = cluster.service("a")
                    service.spec.ports = [Service.Port(port: 0)]
                    return try await client.create(service, in: "refusals")
                } == .invalid
            )
            try await quota(cluster, client)
            try await webhooks(cluster, client)

            let namespace = try await client.get(Namespace.self, named: "refusals", in: nil)
            _ = try await client.delete(
                Namespace.self,
                named: "refusals",
                in: nil,
                preconditions: Preconditions(uid: namespace.metadata.uid ?? "")
            )
            #expect(
                await Self.refusal { try await client.create(cluster.service("a"), in: "refusals") }
                    == .namespaceTerminating
            )
            // Each of them was sent once, and its line in the log has the server's own message.
            for failure in failures.withLock({ $0 }) where failure.kind != .notFound(.object) {
                #expect(failure.isRefusal, "\(failure)")
                #expect(failure.sensitiveStatus?.message?.isEmpty == false)
            }
        }
    }

    private func quota(_ cluster: ClusterUnderTest, _ client: KubernetesClient) async throws {
        let quota = ResourceQuota(metadata: ObjectMeta(name: "none"), spec: ["hard": ["count/services": "0"]])
        let made = try await client.create(quota, in: "refusals")
        // The quota has no effect until the controller has counted.
        let refused = try await Self.eventually(.quotaExceeded) {
            try await client.create(cluster.service("q-\(UUID().uuidString.prefix(8).lowercased())"), in: "refusals")
        }
        #expect(refused)
        _ = try await client.delete(
            ResourceQuota.self,
            named: "none",
            in: "refusals",
            preconditions: Preconditions(uid: made.metadata.uid ?? "")
        )
    }

    private func webhooks(_ cluster: ClusterUnderTest, _ client: KubernetesClient) async throws {
        let certificates = try CertificateAuthority()
        let kept = try await client.create(cluster.service("kept"), in: "refusals")
        let closed = try await hook(client, url: "https://127.0.0.1:1/", certificates)
        #expect(
            try await Self.eventually(.webhookFailed) { try await client.create(cluster.service("w"), in: "refusals") }
        )
        try await remove(closed, client)
        for code in [0, 400, 403, 404, 409, 422, 429, 500] {
            try await HTTPSPeer.run(.init(.http1, identity: certificates.issue())) { request, _ in
                let body = try await request.body.collect(upTo: 1 << 20)
                let review = try JSONDecoder().decode(
                    Basics.JSONValue.self,
                    from: Data(body.readableBytesView)
                )
                let verdict: Basics.JSONValue = [
                    "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                    "response": [
                        "uid": review["request"]?["uid"] ?? .null, "allowed": false,
                        "status": code == 0 ? [:] : ["code": .integer(code), "message": "not today"],
                    ],
                ]
                return Response(
                    status: .ok,
                    headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(verdict)))
                )
            } _: { peer in
                let made = try await hook(client, url: "https://\(peer.authority)/", certificates)
                #expect(
                    try await Self.eventually(.webhookDenied) {
                        try await client.create(cluster.service("w"), in: "refusals")
                    },
                    "\(code)"
                )
                // Nothing was deleted, whatever the code suggests.
                let deletion = await Self.refusal {
                    try await client.delete(
                        Service.self,
                        named: "kept",
                        in: "refusals",
                        preconditions: Preconditions(uid: kept.metadata.uid ?? "")
                    )
                }
                #expect(deletion == .webhookDenied, "\(code)")
                try await remove(made, client)
            }
        }
    }

    private func hook(
        _ client: KubernetesClient,
        url: String,
        _ certificates: CertificateAuthority
    ) async throws -> WebhookConfiguration {
        let configuration = WebhookConfiguration(
            metadata: ObjectMeta(name: "guard"),
            webhooks: [
                [
                    "name": "guard.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                    "timeoutSeconds": 2, "failurePolicy": "Fail",
                    "clientConfig": [
                        "url": .string(url),
                        "caBundle": .string(Data(certificates.certificatePEM.utf8).base64EncodedString()),
                    ],
                    "rules": [
                        [
                            "operations": ["CREATE", "DELETE"], "apiGroups": [""], "apiVersions": ["v1"],
                            "resources": ["services"],
                        ]
                    ],
                ]
            ]
        )
        return try await client.create(configuration, in: nil)
    }

    private func remove(_ configuration: WebhookConfiguration, _ client: KubernetesClient) async throws {
        _ = try await client.delete(
            WebhookConfiguration.self,
            named: configuration.metadata.name,
            in: nil,
            preconditions: Preconditions(uid: configuration.metadata.uid ?? "")
        )
    }

    private static func client(
        _ kubeconfig: String,
        _ observer: @escaping FailureObserver
    ) throws -> KubernetesClient {
        KubernetesClient(
            configuration: try ClusterConfiguration.discover(kubeconfig: kubeconfig),
            failureObserver: observer
        ) { try CurlTransport(trust: $0.trust) }
    }

    private static func refusal(_ work: () async throws -> some Sendable) async -> KubernetesError.Kind? {
        do {
            _ = try await work()
            return nil
        } catch {
            return (error as? KubernetesError)?.kind
        }
    }

    /// Whether `work` is refused in this way once the server applies the configuration; before that it may succeed, or
    /// be refused as before.
    private static func eventually(
        _ kind: KubernetesError.Kind,
        _ work: @Sendable () async throws -> some Sendable
    ) async throws -> Bool {
        try await poll(every: .milliseconds(100), limit: .seconds(20)) {
            await refusal(work) == kind ? true : nil
        } ?? false
    }
}

/// A ResourceQuota. Only these tests create any.
private struct ResourceQuota: KubernetesObject {
    static let resource = APIResource(group: "", versions: ["v1"], plural: "resourcequotas", kind: "ResourceQuota")
    var metadata: ObjectMeta
    var spec: Basics.JSONValue?
}

/// A webhook configuration. Only these tests create any.
private struct WebhookConfiguration: KubernetesObject {
    static let resource = APIResource(
        group: "admissionregistration.k8s.io",
        versions: ["v1"],
        plural: "validatingwebhookconfigurations",
        kind: "ValidatingWebhookConfiguration",
        namespaced: false
    )
    var metadata: ObjectMeta
    var webhooks: Basics.JSONValue?
}
