internal import Basics
internal import CurlHTTP
internal import KubernetesClient
internal import Metrics
internal import PreviewCluster
internal import PreviewControl

/// The objects that every command needs to access the cluster: the client of the API server, the previews' objects, the API
/// server's time, and the policy.
struct ClusterConnection: Sendable {
    let settings: ClusterSettings
    let client: KubernetesClient
    let manifests: PreviewManifests
    let objects: KubernetesPreviewObjects
    /// The API server's time, measured from the `Date` fields of the client's responses.
    let time: KubernetesClusterTime

    var policy: PreviewPolicy { settings.policy }

    /// Creates a connection without sending a request.
    ///
    /// - Parameters:
    ///   - configuration: Loads the address, the trust and the credentials of the API server.
    ///   - metrics: Counts the requests to the API server.
    ///   - refusals: Observes the requests that the API server refuses; `nil` for commands, which print the error themselves.
    /// - Throws: A ``SettingsError`` if the cluster's configuration cannot be used.
    init(
        _ settings: ClusterSettings,
        to configuration: () throws -> ClusterConfiguration,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance,
        refusals: ClusterRefusals? = nil
    ) throws {
        self.settings = settings
        let observer = ClusterRequestMetrics(metrics).observe
        do {
            client = try KubernetesClient(
                configuration: configuration(),
                observer: observer,
                remainingTime: { ResponseDeadline.remaining },
                failureObserver: refusals?.observe
            ) { security in
                try CurlTransport(configuration: CurlConfiguration(security))
            }
        } catch let error as KubernetesError {
            throw SettingsError("The cluster's configuration cannot be used: \(error)")
        }
        manifests = PreviewManifests(settings)
        objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        time = KubernetesClusterTime(client.serverClock)
    }

    /// The same cluster, with another namespace for the previews.
    func inNamespace(_ namespace: String) -> ClusterConnection { ClusterConnection(self, namespace: namespace) }

    private init(_ other: ClusterConnection, namespace: String) {
        var settings = other.settings
        settings.namespace = namespace
        self.settings = settings
        client = other.client
        manifests = PreviewManifests(settings)
        objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        time = other.time
    }
}

extension PreviewManifests {
    fileprivate init(_ settings: ClusterSettings) {
        self.init(
            namespace: settings.namespace,
            gatewayName: settings.gatewayName,
            gatewayNamespace: settings.gatewayNamespace,
            zone: settings.zone,
            connectionLimit: settings.connectionLimit
        )
    }
}

extension CurlConfiguration {
    /// The longest time in which a probe connects to a gateway. It bounds the delay of a start if the address cannot be reached
    /// from this process.
    private static let probeConnectTimeout = Duration.seconds(1)
    /// The longest time without data from the app. An app may compile its first page for 10 s or more, and the request must not
    /// be sent again meanwhile.
    private static let maxProbeSilence = Duration.seconds(60)

    /// The configuration for requests to previews' addresses.
    static func probing(maxConnections: Int) -> CurlConfiguration {
        CurlConfiguration(
            connectTimeout: probeConnectTimeout,
            maxSilence: maxProbeSilence,
            maxConnections: maxConnections
        )
    }
}

extension CurlConfiguration {
    /// The configuration for the API server, with the trust and the client certificate of a kubeconfig or a service account.
    init(_ security: TransportSecurity) {
        self.init(
            tls: TLSConfiguration(
                caPEM: security.trust.authoritiesPEM.map { Array($0.utf8) },
                clientIdentity: security.clientCertificate.map { certificate in
                    TLSConfiguration.ClientIdentity(
                        certificatePEM: Array(certificate.certificatePEM.utf8),
                        privateKeyPEM: Array(certificate.keyPEM.value.utf8)
                    )
                },
                serverName: security.trust.serverName,
                insecureSkipVerify: security.trust.skipsVerification
            ),
            proxy: security.trust.proxyURL
        )
    }
}
