internal import Basics
internal import CurlHTTP
internal import KubernetesClient
internal import Metrics
internal import PreviewCluster
internal import PreviewControl

/// What every command needs of the cluster: a client of its API server, the previews' objects, the time and the rules.
struct ClusterConnection: Sendable {
    let settings: ClusterSettings
    let client: KubernetesClient
    let manifests: PreviewManifests
    let objects: KubernetesPreviewObjects
    /// The API server's time, as the client's answers tell it.
    let time: KubernetesClusterTime

    var policy: PreviewPolicy { settings.policy }

    /// Makes a connection. It sends nothing yet.
    ///
    /// - Parameters:
    ///   - configuration: Says where the cluster is.
    ///   - metrics: Where is counted what is asked of the API server.
    ///   - refusals: Gets told about what the API server refuses; `nil` where whoever asks is told at once.
    /// - Throws: A ``SettingsError`` when the cluster's configuration cannot be used.
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
                remainingTime: { AnswerDeadline.remaining },
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

    /// The same cluster, with the previews of another namespace.
    func moved(to namespace: String) -> ClusterConnection { ClusterConnection(self, namespace: namespace) }

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
    /// How long a probe may take to reach a gateway. An address that cannot be tried from here costs a start not much more.
    private static let longestConnecting = Duration.seconds(1)
    /// A first page may take 10 s to compile; its request must not be sent again meanwhile.
    private static let longestSilence = Duration.seconds(60)

    /// For opening previews as a browser would.
    static func probing(maxConnections: Int) -> CurlConfiguration {
        CurlConfiguration(
            connectTimeout: longestConnecting,
            maxSilence: longestSilence,
            maxConnections: maxConnections
        )
    }
}

extension CurlConfiguration {
    /// How libcurl is to reach the API server that a kubeconfig or a service account names.
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
            proxy: security.trust.proxyURL.map { .url($0) } ?? .none
        )
    }
}
