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
