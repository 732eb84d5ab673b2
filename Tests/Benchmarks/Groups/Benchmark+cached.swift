import Foundation

extension Benchmark {
    /// The service's cost in addition to Hummingbird's, if a keepalive needs no request to the cluster.
    ///
    /// Both servers are in one process with one event loop; the load comes from this process.
    static let cached = Benchmark(group: "cached", summary: "keepalives that write nothing, and a bare route") {
        report in
        let server = try ChildServer(["keepalive-server"])
        defer { server.stop() }
        let address = try server.ask(nil, for: KeepaliveServerCommand.Address.self)
        let request = """
            POST \(address.path) HTTP/1.1\r
            Host: 127.0.0.1\r
            Authorization: Bearer \(address.bearer)\r
            Accept: application/json\r
            Content-Length: 0\r
            \r

            """
        let load = LoadGenerator()
        func rate(_ port: Int) async throws -> Double {
            try await load.rate(port: port, request: request, connections: connections, for: .milliseconds(500))
        }
        var keepalives: [Double] = []
        var plain: [Double] = []
        for round in 0...rounds {
            let (kept, answered) = (try await rate(address.apiPort), try await rate(address.barePort))
            // The first round warms up both sides.
            guard round > 0 else { continue }
            keepalives.append(kept)
            plain.append(answered)
        }
        try await load.shutdown()
        report.add(
            .ratio(
                "keepalive.cached",
                on: "loopback",
                "\(connections) connections",
                of: .init(name: "keepalives", value: keepalives.median, unit: "/s"),
                to: .init(name: "bare route", value: plain.median, unit: "/s"),
                target: .atLeast(0.6)
            )
        )
    }

    private static let connections = 32
    private static let rounds = 20
}
