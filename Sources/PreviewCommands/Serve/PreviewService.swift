internal import CurlHTTP
internal import KubernetesClient
internal import Logging
internal import NIOCore
internal import PreviewDomain
internal import PreviewServer
internal import ServiceLifecycle
internal import UnixSignals

/// All parts of the service, put together.
struct PreviewService {
    let settings: Settings
    let logger: Logger
    /// What SIGUSR1 changes; `nil` leaves that signal alone.
    var logLevel: AdjustableLogLevel?
    /// Where the cluster is.
    var cluster: @Sendable () throws -> ClusterConfiguration = { try .discover() }
    /// The signals upon which it stops.
    var stopSignals: [UnixSignal] = [.sigterm, .sigint]
    /// Called once the API listens.
    var onRunning: @Sendable (any Channel) async -> Void = { _ in }

    /// How long after a signal to stop what was begun may go on, the time of draining included. What is cancelled then
    /// takes back what it had begun, which takes up to 5 s more: 25 s in all, of the 30 s that Kubernetes allows a pod.
    var shutdownTimeout = Duration.seconds(20)

    /// Serves until a signal arrives, or the service group that this runs in shuts down.
    ///
    /// - Throws: A ``SettingsError`` when the cluster's configuration cannot be used.
    func run() async throws {
        let configuration: ClusterConfiguration
        do { configuration = try cluster() } catch let error as KubernetesError {
            throw SettingsError("The cluster's configuration cannot be used: \(error)")
        }
        logStart(configuration)
        let shared = try SharedParts(settings, cluster: { configuration }, logger: logger)
        let timeline = TimelineParts(shared)
        let previews = PreviewParts(shared, timeline)
        let server = try ServerParts(shared, timeline, previews, onRunning: onRunning)
        // Shut down one after the other, from the last: the draining, then the server, which accepts nothing more and
        // ends what was begun, and only then what that needs; the timeline's queues write down what all the others did.
        let signal: [any Service] = logLevel.map { [LogLevelSignal(level: $0, logger: logger)] } ?? []
        let services = group(signal + timeline.services + previews.services + server.services)
        try await StopSignals(signals: stopSignals, draining: server.draining, time: shared.time, logger: logger)
            .run(services)
        await shared.shutdown()
    }

    /// The log's first line: what runs, and where.
    private func logStart(_ cluster: ClusterConfiguration) {
        let build = BuildInfo.current
        logger.info(
            "preview-gateway starts",
            metadata: [
                "version": "\(build.version)", "commit": "\(build.commit)", "built": "\(build.date)",
                "namespace": "\(settings.cluster.namespace)", "zone": "\(settings.address.zone)",
                "gateway": "\(settings.cluster.gatewayNamespace)/\(settings.cluster.gatewayName)",
                "api_server": "\(cluster.server)",
            ]
        )
    }

    private func group(_ services: [any Service]) -> ServiceGroup {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = shutdownTimeout
        return ServiceGroup(configuration: configuration)
    }
}
