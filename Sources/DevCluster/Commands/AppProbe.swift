/// Checks whether the app in a sandbox can be reached, and determines the reason if it cannot.
struct AppProbe: Sendable {
    /// The longest time until the app listens. It may include an `npm install`.
    private static let listenLimit: Duration = .seconds(300)
    /// The time for which an app may listen on localhost only before that is reported.
    private static let localOnlyLimit: Duration = .seconds(3)
    private static let interval: Duration = .milliseconds(20)

    let store: ObjectStore
    let podName: String
    let port: Int
    let logFile: String
    /// The loopback addresses on which another program already listened on the port.
    private let takenBefore: Set<String>

    private static let localAddresses: Set<String> = ["127.0.0.1", "::1"]

    /// Creates a probe. Call this before the app starts.
    ///
    /// - Throws: ``DevClusterFailure`` if another program listens on the port on all addresses.
    init(store: ObjectStore, podName: String, port: Int, logFile: String) throws {
        self.store = store
        self.podName = podName
        self.port = port
        self.logFile = logFile
        takenBefore = Self.localAddresses.filter { Sockets.accepts(address: $0, port: port) }
        // No pod uses this address, so it accepts connections only if a program listens on all addresses.
        guard !Sockets.accepts(address: "127.127.255.254", port: port) else {
            throw DevClusterFailure("port \(port) is in use on all addresses: specify another --port")
        }
    }

    /// Waits until the app listens on its pod's address.
    ///
    /// - Returns: The pod's address.
    /// - Throws: ``DevClusterFailure`` if the app ends, listens on localhost only, or does not listen in time.
    func waitUntilListening() async throws -> String {
        let clock = ContinuousClock()
        var localSince: ContinuousClock.Instant?
        let address: String? = try await poll(every: Self.interval, limit: Self.listenLimit, clock: clock) {
            guard let pod = store.get(.pods, namespace: ClusterObjects.namespace, name: podName) else { return nil }
            try check(pod)
            guard let address = pod["status", "podIP"]?.stringValue else { return nil }
            if Sockets.accepts(address: address, port: port) { return address }
            if Self.localAddresses.subtracting(takenBefore).contains(where: { Sockets.accepts(address: $0, port: port) }
            ) {
                let since = localSince ?? clock.now
                localSince = since
                guard clock.now - since < Self.localOnlyLimit else {
                    throw DevClusterFailure(
                        """
                        the app listens on localhost:\(port) only and cannot be reached: configure it to listen on \
                        $HOST or 0.0.0.0 (vite: --host "$HOST"; next dev: -H "$HOST")
                        """
                    )
                }
            }
            return nil
        }
        guard let address else {
            throw DevClusterFailure(
                "the app did not listen on $HOST:\(port) within \(Self.listenLimit.components.seconds) s; "
                    + "its output is in \(logFile)"
            )
        }
        return address
    }

    private func check(_ pod: JSONValue) throws {
        let phase = pod["status", "phase"]?.stringValue
        guard phase == "Failed" || phase == "Succeeded" else { return }
        let state = pod["status", "containerStatuses"]?[0]?["state", "terminated", "message"]?.stringValue
        let output = StateFolder.tail(of: logFile)
        throw DevClusterFailure(
            "the app ended before it listened: \(state ?? "no reason given"); its output is in \(logFile)"
                + (output.isEmpty ? "" : "\n" + output)
        )
    }
}
