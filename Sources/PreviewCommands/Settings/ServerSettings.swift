internal import PreviewServer

/// The addresses on which the service listens, and the limits for its callers.
struct ServerSettings: Sendable {
    var listen: ListenAddress
    /// The address of the page for hosts without a preview; `nil` if it is not served.
    var endedPageListen: ListenAddress?
    var allowedOrigins: AllowedOrigins
    var connections: ConnectionLimits
    var requests: RequestLimits
    /// The time for which new requests are still accepted after a stop signal.
    var drainTime: Duration

    /// - Parameter readyTimeout: The time for which a start waits for its preview. It extends the time limit of a response.
    init(_ sources: SettingsSources, readyTimeout: Duration) throws(SettingsError) {
        listen = try sources.value(of: Keys.listen)
        endedPageListen = try sources.value(of: Keys.endedPageListen)
        allowedOrigins = try sources.value(of: Keys.allowedOrigins) ?? AllowedOrigins.none
        connections = ConnectionLimits()
        connections.maxConnections = try sources.value(of: Keys.maxConnections)
        connections.idleTimeout = try sources.value(of: Keys.idleTimeout)
        requests = RequestLimits()
        requests.requestsPerSecond = try sources.value(of: Keys.rate)
        requests.burst = try sources.value(of: Keys.burst)
        requests.responseTimeout += readyTimeout
        drainTime = try sources.value(of: Keys.drainTime)
    }

    enum Keys {
        static let listen = Setting.address("Server__Listen", suchAs: "0.0.0.0:8080")
            .default(ListenAddress(host: "0.0.0.0", port: 8080))
        static let endedPageListen = Setting.address("Server__EndedPageListen", suchAs: "0.0.0.0:8081")
        static let allowedOrigins = Setting(
            "Server__AllowedOrigins",
            expected:
                "origins separated by commas, such as https://console.example.com, vscode-file://vscode-app, or null"
        ) {
            AllowedOrigins($0)
        }
        static let maxConnections = Setting.integer("Server__MaxConnections", in: 16...1_000_000)
            .default(ConnectionLimits().maxConnections)
        static let idleTimeout = Setting.seconds("Server__IdleTimeoutSeconds", in: 1...3600)
            .default(ConnectionLimits().idleTimeout)
        static let rate = Setting.number("Server__RequestsPerSecond", in: 0.1...100_000)
            .default(RequestLimits().requestsPerSecond)
        static let burst = Setting.integer("Server__RequestBurst", in: 1...100_000).default(RequestLimits().burst)
        /// The maximum leaves time to complete requests in progress: ``PreviewService/shutdownTimeout``.
        static let drainTime = Setting.seconds("Server__DrainSeconds", in: 0...15).default(.seconds(5))

        /// Settings of earlier releases, with what replaced them.
        static let removed = [
            "Server__TLSCertificateFile": "the service listens without TLS, see Docs/TLS.md",
            "Server__TLSPrivateKeyFile": "the service listens without TLS, see Docs/TLS.md",
        ]
    }
}

/// A host and a port to listen on.
struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The address as written in the setting.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Parses `host:port`. An IPv6 address must be in brackets.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: port)
    }
}

extension Setting where Value == ListenAddress, Default == Void {
    fileprivate static func address(_ key: String, suchAs example: String) -> Setting {
        Setting(key, expected: "host:port, for example \(example)") { ListenAddress($0) }
    }
}
