internal import CoreAPI
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity
internal import PreviewServer
internal import ServiceLifecycle

/// What answers HTTP requests.
struct ServerParts: Sendable {
    let draining: Draining
    private let application: any Service
    private let certificate: ServerCertificate?

    /// - Parameter onRunning: Called once the API listens.
    /// - Throws: A ``SettingsError`` when a key or a certificate cannot be used.
    init(
        _ shared: SharedParts,
        _ timeline: TimelineParts,
        _ previews: PreviewParts,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) async throws {
        let server = shared.settings.server
        draining = Draining(for: server.drainTime, time: shared.time)
        let api = PreviewAPI(
            core: previews.core,
            authenticator: try await shared.authenticator(),
            access: shared.access(),
            address: shared.settings.address,
            timeline: TimelineReader(sandboxes: previews.ports.sandboxes, log: timeline.log),
            allowedOrigins: server.allowedOrigins,
            time: shared.time,
            forwardDecision: shared.coreAPI?.decisionForwarder,
            limits: server.requests,
            draining: draining,
            metrics: shared.metrics,
            metricsPage: MetricsParts(shared, previews).page
        )
        certificate = try Self.certificate(server, logger: shared.logger)
        application = api.application(
            address: .hostname(server.listen.host, port: server.listen.port),
            connections: Self.connectionLimits(server, logger: shared.logger),
            tls: try certificate?.tlsConfiguration(),
            logger: shared.logger,
            onRunning: onRunning
        )
    }

    /// In the order of their start.
    var services: [any Service] {
        let services: [(any Service)?] = [certificate, application, draining]
        return services.compactMap(\.self)
    }

    /// As many connections as are configured, and for which there are files.
    private static func connectionLimits(_ server: ServerSettings, logger: Logger) -> ConnectionLimits {
        var limits = server.connections
        let most = max(OpenFiles.raiseLimit() - OpenFiles.reserve, 1)
        if most < limits.maxConnections {
            logger.warning(
                "the limit of open files allows fewer connections than configured",
                metadata: ["allowed": "\(most)", "configured": "\(limits.maxConnections)"]
            )
            limits.maxConnections = most
        }
        return limits
    }

    private static func certificate(_ server: ServerSettings, logger: Logger) throws -> ServerCertificate? {
        guard let files = server.certificate else { return nil }
        do {
            return try ServerCertificate(
                certificateFile: files.certificateFile,
                privateKeyFile: files.privateKeyFile,
                logger: logger
            )
        } catch {
            throw SettingsError(
                """
                \(ServerSettings.Keys.certificateFile.key) is '\(files.certificateFile)': expected a readable PEM file whose \
                key is in \(ServerSettings.Keys.privateKeyFile.key), '\(files.privateKeyFile)'
                """
            )
        }
    }
}
