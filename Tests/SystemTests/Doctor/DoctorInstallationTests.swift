import ArgumentParser
import DevelopmentCertificates
import Foundation
import HTTPTypes
import Hummingbird
import KubernetesClient
import OpenSSLKit
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

/// Tests doctor's checks of certificates, quotas and exposed names, each with and without a fault, and its bundle.
@Suite("doctor on an installation", .timeLimit(.minutes(3)))
struct DoctorInstallationTests {
    typealias Status = DoctorFinding.Status
    static let namespace = ClusterObjects.namespace
    static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"
    static let key = "0123456789abcdef0123"
    let base = DoctorTests()

    /// Runs one check on a cluster with these objects.
    func check(
        _ id: String,
        settings: [String: String] = [:],
        core: ScriptedTransport = ScriptedTransport(clock: ManualClock(), []),
        probes: DoctorProbes = .system,
        _ prepare: @Sendable (ObjectStore) throws -> Void = { _ in }
    ) async throws -> DoctorFinding {
        let settings = ["Sandbox__Preview__ZoneSuffix": DoctorTests.zone].merging(settings) { $1 }
        return try await base.withCluster { server, kubeconfig in
            try prepare(server.store)
            let report = try await base.doctor(
                ["--only", id],
                kubeconfig: kubeconfig,
                settings: settings,
                core: core,
                probes: probes
            )
            let entry = try #require(report.entries.first)
            #expect(report.entries.count == 1 && entry.check.id == id)
            #expect(entry.finding.remedy != nil || [.ok, .skipped].contains(entry.finding.status))
            return entry.finding
        }
    }

    static func kind(_ plural: String, in store: ObjectStore) throws -> ResourceKind {
        try #require(store.kinds.first { $0.plural == plural })
    }

    static func addPreview(to store: ObjectStore, labels: [String: JSONValue] = [:]) throws {
        let all: [String: JSONValue] = [
            "app.kubernetes.io/part-of": "agentweaver", "agentweaver.dev/preview-token": .string(token),
        ]
        try store.create(
            .httpRoutes,
            namespace: namespace,
            [
                "metadata": ["name": .string("preview-\(token)"), "labels": .object(all.merging(labels) { $1 })],
                "spec": [
                    "parentRefs": [["name": .string(ClusterObjects.gateway)]],
                    "hostnames": [.string("\(token)-preview.\(DoctorTests.zone)")],
                ],
            ]
        )
    }

    @Test(arguments: [
        ("services", "100", "10", Status.ok), ("services", "20", "5", .warning), ("services", "20", "20", .failure),
        ("count/services", "3", "3", .failure), ("count/httproutes.gateway.networking.k8s.io", "4", "0", .warning),
        ("pods", "10", "10", .failure), ("pods", "10", "9", .ok), ("limits.cpu", "1", "1", .ok),
    ])
    func theRemainingQuotaIsChecked(resource: String, hard: String, used: String, status: Status) async throws {
        let finding = try await check("PG203") { store in
            let quotas = try Self.kind("resourcequotas", in: store)
            try store.create(quotas, namespace: Self.namespace, ["metadata": ["name": "all"]])
            try store.updateStatus(quotas, namespace: Self.namespace, name: "all") {
                $0["status"] = ["hard": [resource: .string(hard)], "used": [resource: .string(used)]]
            }
        }
        #expect(finding.status == status, "\(finding)")
    }

    /// TLS libraries do not accept a wildcard directly under a top-level name, such as `*.localhost`.
    private static let tlsZone = "preview.example.com"
    private static let tlsSettings = ["Sandbox__Preview__ZoneSuffix": tlsZone]

    /// The listeners without a hostname come first, as on a Gateway that redirects HTTP to HTTPS.
    private static func useTLS(_ store: ObjectStore) throws {
        try store.update(.gateways, namespace: namespace, name: ClusterObjects.gateway) {
            $0["spec", "listeners"] = [
                ["name": "redirect", "protocol": "HTTP", "port": 80],
                [
                    "name": "others", "protocol": "HTTPS", "port": 8443,
                    "tls": ["certificateRefs": [["name": "others"]]],
                ],
                [
                    "name": "previews", "protocol": "HTTPS", "port": 443, "hostname": .string("*.\(tlsZone)"),
                    "tls": ["certificateRefs": [["name": "wildcard"]]],
                ],
            ]
        }
    }

    private static func addCertificate(for name: String, days: Range<Double>, to store: ObjectStore) throws {
        let validity =
            Date(
                timeIntervalSinceNow: days.lowerBound * 86_400
            )..<Date(
                timeIntervalSinceNow: days.upperBound * 86_400
            )
        let identity = try CertificateAuthority().issue(dnsNames: [name], validity: validity)
        let pem = Data(identity.certificatePEM.utf8).base64EncodedString()
        try store.create(
            try kind("secrets", in: store),
            namespace: namespace,
            ["metadata": ["name": "wildcard"], "data": ["tls.crt": .string(pem)]]
        )
    }

    @Test(arguments: [
        ("*.preview.example.com", -1.0..<90.0, Status.ok), ("*.preview.example.com", -1.0..<7.0, .warning),
        ("*.preview.example.com", -9.0 ..< -1.0, .failure), ("*.preview.example.com", 1.0..<90.0, .failure),
        ("*.other.example", -1.0..<90.0, .failure), ("preview.example.com", -1.0..<90.0, .failure),
    ])
    func theCertificateOfTheListenerIsChecked(name: String, days: Range<Double>, status: Status) async throws {
        let finding = try await check("PG303", settings: Self.tlsSettings) { store in
            try Self.useTLS(store)
            try Self.addCertificate(for: name, days: days, to: store)
        }
        #expect(finding.status == status, "\(finding)")
        #expect(finding.detail.contains("secret agentweaver/wildcard"))
    }

    @Test func aCertificateThatIsNotThereIsAFailure() async throws {
        let finding = try await check("PG303", settings: Self.tlsSettings) { try Self.useTLS($0) }
        #expect(finding.status == .failure && finding.detail.contains("there is no secret agentweaver/wildcard"))
    }

    @Test func whereTheSecretMayNotBeReadTheServerIsAsked() async throws {
        let asked = Mutex<[String]>([])
        var probes = DoctorProbes.system
        probes.presentedCertificate = { endpoint, host in
            asked.withLock { $0 = [endpoint, host] }
            let now = Int64(Date().timeIntervalSince1970)
            return ServerCertificate(coversHost: true, notBeforeSeconds: now - 60, notAfterSeconds: now + 3_600)
        }
        try await base.withCluster { [probes] server, kubeconfig in
            try Self.useTLS(server.store)
            let refusal = StatusFailure(code: 403, reason: "Forbidden", message: "not for you")
            server.faults.add(.init(resource: "secrets", times: nil, fault: .respond(refusal)))
            let report = try await base.doctor(
                ["--only", "PG303"],
                kubeconfig: kubeconfig,
                settings: Self.tlsSettings,
                probes: probes
            )
            #expect(report.entries.first?.finding.status == .warning)
            #expect(report.text.contains("the certificate of 192.0.2.1:443 expires on"))
        }
        #expect(asked.withLock(\.self) == ["192.0.2.1:443", "doctor-preview.preview.example.com"])
    }

    @Test func aServerPresentsItsCertificateInAHandshake() async throws {
        let identity = try CertificateAuthority().issue(dnsNames: ["*.preview.example.com"])
        try await HTTPSPeer.run(.init(.http1, identity: identity), responder: { _, _ in .init(status: .ok) }) { peer in
            for (host, covers) in [("doctor-preview.preview.example.com", true), ("elsewhere.example", false)] {
                let found = try #require(ServerCertificate.presented(at: "127.0.0.1:\(peer.port)", host: host))
                #expect(found.coversHost == covers)
                #expect(found.notAfterSeconds - found.notBeforeSeconds == 30 * 86_400 + 3_600)
            }
        }
    }

    @Test(arguments: [("agentweaver.localhost", Status.warning), ("agentweaver.example.com", .ok)])
    func aZoneThatThePlatformsHostSharesNeedsAttention(host: String, status: Status) async throws {
        let finding = try await check("PG304") { store in
            try Self.addPreview(to: store)
            try store.create(
                .httpRoutes,
                namespace: Self.namespace,
                [
                    "metadata": ["name": "frontend"],
                    "spec": ["parentRefs": [["name": "agentweaver-gateway"]], "hostnames": [.string(host)]],
                ]
            )
        }
        #expect(finding.status == status, "\(finding)")
        #expect(!finding.detail.contains(Self.token))
    }

    @Test(arguments: [true, false])
    func tokensInTheGatewaysMetricsAreFound(areThere: Bool) async throws {
        var probes = DoctorProbes.system
        probes.gatewayMetrics = { _, pod, _ in
            let service = areThere ? "preview-\(Self.token)" : "unknown"
            return "istio_requests_total{pod=\"\(pod)\",destination_service_name=\"\(service)\"} 1\n"
        }
        let finding = try await check("PG305", probes: probes) { store in
            try Self.addPreview(to: store)
            try store.create(
                .pods,
                namespace: Self.namespace,
                [
                    "metadata": [
                        "name": "gateway-1",
                        "labels": ["gateway.networking.k8s.io/gateway-name": .string(ClusterObjects.gateway)],
                    ],
                    "spec": ["containers": [["name": "proxy", "image": "proxy"]]],
                ]
            )
        }
        #expect(finding.status == (areThere ? .warning : .ok), "\(finding)")
        #expect(!finding.detail.contains(Self.token))
        #expect(finding.detail.contains(try #require(PreviewToken(Self.token)).fingerprint) == areThere)
    }

    @Test func aBundleHoldsNoSecret() async throws {
        let bearer = "hunter2"
        let secrets = [
            Self.token, "\(Self.token)-preview.localhost", Self.key, bearer, "s3cret", "an-admin-key",
        ]
        try await base.withCluster { server, kubeconfig in
            let store = server.store
            try Self.addPreview(to: store)
            try Self.addDeployment(
                "preview-gateway",
                ["Auth__ApiKey": "an-admin-key", "Sandbox__Preview__MaxConcurrentSessionsGlobal": "17"],
                to: store
            )
            try store.create(
                .events,
                namespace: Self.namespace,
                [
                    "metadata": ["name": "happened"], "involvedObject": ["kind": "Pod", "namespace": "agentweaver"],
                    "message": .string(
                        """
                        GET https://ada:s3cret@\(Self.token)-preview.localhost/ with Authorization: Bearer \(bearer) \
                        and key \(Self.key) failed
                        """
                    ),
                ]
            )
            let sources = ["Sandbox__Preview__ZoneSuffix": DoctorTests.zone, "Auth__ApiKey": Self.key]
            let context = try DoctorContext(
                DoctorBundleCommand.parse([]).options,
                environment: sources.merging(["KUBECONFIG": kubeconfig]) { $1 },
                { try ClusterConfiguration.discover(kubeconfig: kubeconfig) },
                ScriptedTransport(clock: ManualClock(), []),
                resolve: { _ in [] },
                probes: .system
            )
            let text = try await DoctorBundle.collect(context).text()
            for secret in secrets + server.configuration.users.map(\.token) {
                #expect(!text.contains(secret), "the bundle tells \(secret)")
            }
            #expect(text.contains(try #require(PreviewToken(Self.token)).fingerprint))
            #expect(text.contains("\"17\"") && text.contains("PG101"))
            let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(
                Set(["version", "doctor", "gateways", "httproutes", "deployments", "logs"]).isSubset(of: document.keys)
            )
        }
    }
}
