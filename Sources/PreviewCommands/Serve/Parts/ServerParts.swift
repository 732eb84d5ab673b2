internal import CoreAPI
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity
internal import PreviewServer
internal import ServiceLifecycle

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What answers HTTP requests.
struct ServerParts: Sendable {
    let draining: Draining
    private let application: any Service
    /// The page for hosts without a preview; `nil` where it is not served.
    private let endedPage: (any Service)?

    /// - Parameter onRunning: Called once the API listens.
    /// - Throws: A ``SettingsError`` when a key cannot be used.
    init(
        _ shared: SharedParts,
        _ timeline: TimelineParts,
        _ previews: PreviewParts,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) throws {
        let server = shared.settings.server
        draining = Draining(for: server.drainTime, time: shared.time)
        let api = PreviewAPI(
            core: previews.core,
            authenticator: try shared.authenticator(),
            access: shared.access(),
            address: shared.settings.address,
            timeline: TimelineReader(sandboxes: previews.ports.sandboxes, log: timeline.log),
            allowedOrigins: server.allowedOrigins,
            time: shared.time,
            coreRouter: shared.router?.router,
            broadcast: timeline.broadcast,
            limits: server.requests,
            draining: draining,
            build: .current,
            metrics: shared.metrics,
            metricsPage: MetricsParts(shared, previews).page
        )
        application = Listener(
            setting: ServerSettings.Keys.listen.key,
            address: server.listen,
            server: api.application(
                address: .hostname(server.listen.host, port: server.listen.port),
                connections: Self.connectionLimits(server, routes: shared.router != nil, logger: shared.logger),
                logger: shared.logger,
                onRunning: onRunning
            )
        )
        endedPage = server.endedPageListen.map { [draining] address in
            Listener(
                setting: ServerSettings.Keys.endedPageListen.key,
                address: address,
                server: EndedPage.application(
                    address: .hostname(address.host, port: address.port),
                    draining: draining,
                    metrics: shared.metrics,
                    logger: shared.logger
                )
            )
        }
    }

    /// In the order of their start.
    var services: [any Service] { (endedPage.map { [$0] } ?? []) + [application, draining] }

    /// As many connections as are configured, and for which there are files.
    private static func connectionLimits(_ server: ServerSettings, routes: Bool, logger: Logger) -> ConnectionLimits {
        var limits = server.connections
        if routes { limits.allowLargeHeads() }
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
}

/// A server whose failure to listen names the setting.
private struct Listener: Service {
    let setting: String
    let address: ListenAddress
    let server: any Service

    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw SettingsError(
                "\(setting)=\(address): cannot listen there: \(String(cString: strerror(error.errnoCode)))"
            )
        } catch is SocketAddressError.UnknownHost {
            throw SettingsError("\(setting)=\(address): cannot listen there: the host name has no address")
        }
    }
}
