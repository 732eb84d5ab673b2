internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PreviewControl
internal import PreviewServer
internal import Router
internal import ServiceLifecycle

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The HTTP servers: the API, and the page for hosts without a preview.
struct ServerParts: Sendable {
    let draining: Draining
    /// Finds the requests of child runs for forwarded event streams; `nil` without a router or a core API.
    private let children: ChildRequestFinder?
    private let application: any Service
    /// The page for hosts without a preview; `nil` if no address is configured for it.
    private let endedPage: (any Service)?

    /// - Parameter onRunning: Called when the API accepts connections.
    /// - Throws: A ``SettingsError`` if the access tokens' signing key is invalid.
    init(
        _ shared: SharedParts,
        _ timeline: TimelineParts,
        _ previews: PreviewParts,
        onRunning: @escaping @Sendable (any Channel) async -> Void
    ) throws {
        let server = shared.settings.server
        draining = Draining(for: server.drainTime, time: shared.time)
        let authority = shared.router == nil ? nil : shared.coreAuthority
        children = authority.map { [time = shared.time] in
            ChildRequestFinder(gate: previews.core.gate, authority: $0, time: time)
        }
        let api = PreviewAPI(
            core: previews.core,
            authenticator: try shared.authenticator(),
            access: shared.access(),
            address: shared.settings.address,
            timeline: TimelineReader(sandboxes: previews.ports.sandboxes, log: timeline.log),
            allowedOrigins: server.allowedOrigins,
            time: shared.time,
            coreRouter: shared.router,
            broadcast: timeline.broadcast,
            children: children,
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
                connections: Self.connectionLimits(server, router: shared.settings.router, logger: shared.logger),
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

    /// The services, in the order in which they start.
    var services: [any Service] {
        let optional: [(any Service)?] = [children, endedPage]
        return optional.compactMap(\.self) + [application, draining]
    }

    /// The configured limits, with no more connections than the process may open files.
    ///
    /// - Parameter router: The limits for forwarded requests; `nil` if the router is off.
    private static func connectionLimits(
        _ server: ServerSettings,
        router: RouterLimits?,
        logger: Logger
    ) -> ConnectionLimits {
        var limits = server.connections
        if router != nil { limits.allowLargeHeads() }
        let most = OpenFiles.callers(
            within: OpenFiles.raiseLimit(),
            besides: server.endedPageListen == nil ? 0 : EndedPage.maxConnections,
            forwarding: router.map { $0.maxConnections(eventLoops: System.coreCount) } ?? 0
        )
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

/// A server that reports an address on which it cannot listen as a ``SettingsError`` with the setting's name.
private struct Listener: Service {
    let setting: String
    let address: ListenAddress
    let server: any Service

    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw SettingsError(
                "\(setting)=\(address): cannot listen on this address: \(String(cString: strerror(error.errnoCode)))"
            )
        } catch is SocketAddressError.UnknownHost {
            throw SettingsError("\(setting)=\(address): cannot listen on this address: the host name has no address")
        }
    }
}
