import DevCluster
import Foundation

extension Benchmark {
    /// The cost of forwarding, compared with nginx with one worker in front of the same upstream, and with many open
    /// event streams.
    static let router = Benchmark(
        group: "router",
        summary: "what is passed on, directly, through the router, and through nginx"
    ) {
        report in
        OpenFileLimit.raise()
        let folder = FileManager.default.temporaryDirectory.appending(path: "router-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let coreAPI = try ChildServer(["core-api-server"])
        defer { coreAPI.stop() }
        let address = try coreAPI.ask(nil, for: CoreAPIServerCommand.Address.self)
        let upstream: Nginx
        do {
            upstream = try await Nginx.upstream(in: folder, streamsAt: address.port)
        } catch let missing as Nginx.Missing {
            return report.printLine("  skipped: \(missing)")
        }
        defer { upstream.stop() }
        let proxy = try await Nginx.proxy(in: folder, to: upstream.port)
        defer { proxy.stop() }
        try await DevelopmentCluster.with { cluster in
            guard let port = Sockets.freePort(address: "127.0.0.1") else { throw NotInTime(what: "a port to be free") }
            let service = try await ServiceProcess(
                cluster,
                settings: [
                    "Router__Enabled": "true", "Agentweaver__ApiBaseUrl": "http://127.0.0.1:\(upstream.port)",
                    "Server__Listen": "127.0.0.1:\(port)",
                ]
            )
            defer { service.stop() }
            let benchmark = RouterBenchmark(
                report: report,
                directPort: upstream.port,
                routed: .init(port: port, processID: service.processID),
                nginx: .init(port: proxy.port, processID: proxy.processID),
                bearer: address.bearer
            )
            try await benchmark.run()
        }
    }
}

/// The figures of the router.
struct RouterBenchmark: Sendable {
    /// A reverse proxy.
    struct Proxy: Sendable {
        let port: Int
        let processID: Int32
    }

    static let downloadBytes = 1 << 30
    private static let bodyBytes = 1_024
    private static let connections = 32
    private static let latencyRounds = 10
    private static let requestsPerRound = 300
    private static let rateRounds = 8
    private static let downloads = 3
    private static let streamCounts = [10, 1_000]
    private static let rest = Duration.seconds(2)

    let report: Report
    let directPort: Int
    let routed: Proxy
    let nginx: Proxy
    let bearer: String

    func run() async throws {
        var streams: [BlockingClient] = []
        var resident: [Double] = []
        var points: [String: [(n: Int, value: Double)]] = [:]
        for count in Self.streamCounts {
            while streams.count < count { streams.append(try openStream(streams.count)) }
            try await Task.sleep(for: Self.rest)
            resident.append(try ProcessUsage.residentBytes(of: routed.processID))
            for figure in [try latency(count), try await throughput(count), try download(count)] {
                points[figure.name, default: []].append((count, figure.value))
            }
        }
        let (first, last) = (Self.streamCounts[0], Self.streamCounts[1])
        report.add(
            Measurement(
                "router.stream_memory",
                on: "loopback",
                Self.condition(last),
                value: (resident[1] - resident[0]) / Double(last - first) / 1000,
                unit: "KB",
                target: .atMost(40)
            )
        )
        for (name, points) in points.sorted(by: { $0.key < $1.key }) {
            report.add(.growth(name, on: "loopback", points, of: "streams", atMost: nil))
        }
    }

    private static func condition(_ streams: Int) -> String { "\(FigureFormat.text(Double(streams))) streams open" }

    /// Opens the event stream of a run, and reads its first event.
    private func openStream(_ number: Int) throws -> BlockingClient {
        let digits = String(number, radix: 16)
        let run = "\(String(repeating: "0", count: 8 - digits.count))\(digits)-0000-4000-8000-000000000000"
        let client = try BlockingClient(port: routed.port)
        try client.send(
            """
            GET /api/runs/\(run)/stream HTTP/1.1\r
            Host: 127.0.0.1\r
            Accept: text/event-stream\r
            Authorization: Bearer \(bearer)\r
            \r

            """
        )
        var answer = ""
        while !answer.contains("data: ") { answer += try client.read(atLeast: 1) }
        return client
    }

    /// The median of many requests, one after the other on a persistent connection.
    private func latency(_ streams: Int) throws -> Measurement {
        let clients = try [directPort, routed.port, nginx.port].map { try BlockingClient(port: $0) }
        var seconds: [[Double]] = [[], [], []]
        for round in 0...Self.latencyRounds {
            for (index, client) in clients.enumerated() {
                for _ in 0..<Self.requestsPerRound {
                    let begun = ContinuousClock.now
                    try client.get("/kilobyte", bodyBytes: Self.bodyBytes)
                    // The first round warms up everything.
                    if round > 0 { seconds[index].append(begun.duration(to: .now).seconds) }
                }
            }
        }
        let milliseconds = seconds.map { $0.median * 1000 }
        let figure = Measurement(
            "router.latency",
            on: "loopback",
            Self.condition(streams),
            value: milliseconds[1] - milliseconds[0],
            unit: "ms",
            target: .atMost(0.35),
            sides: zip(["direct p50", "routed p50", "nginx p50"], milliseconds).map {
                .init(name: $0, value: $1, unit: "ms")
            }
        )
        report.add(figure)
        return figure
    }

    private func throughput(_ streams: Int) async throws -> Measurement {
        let load = LoadGenerator()
        let request = "GET /kilobyte HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        let duration = Duration.milliseconds(600)
        var rates: [[Double]] = [[], []]
        var microseconds: [[Double]] = [[], []]
        for round in 0...Self.rateRounds {
            for (index, proxy) in [routed, nginx].enumerated() {
                let before = try ProcessUsage.cpuSeconds(of: proxy.processID)
                let rate = try await load.rate(
                    port: proxy.port,
                    request: request,
                    connections: Self.connections,
                    for: duration
                )
                guard round > 0 else { continue }
                rates[index].append(rate)
                let used = try ProcessUsage.cpuSeconds(of: proxy.processID) - before
                microseconds[index].append(used / (rate * duration.seconds) * 1e6)
            }
        }
        try await load.shutdown()
        let figure = Measurement.ratio(
            "router.throughput",
            on: "loopback",
            "\(Self.connections) connections, \(Self.condition(streams))",
            of: .init(name: "router", value: rates[0].median, unit: "/s"),
            to: .init(name: "nginx", value: rates[1].median, unit: "/s"),
            target: .atLeast(0.5)
        )
        report.add(figure)
        report.add(
            .ratio(
                "router.cpu",
                on: "loopback",
                "\(Self.connections) connections, \(Self.condition(streams))",
                of: .init(name: "router", value: microseconds[0].median, unit: "µs a request"),
                to: .init(name: "nginx", value: microseconds[1].median, unit: "µs a request"),
                target: nil
            )
        )
        return figure
    }

    private func download(_ streams: Int) throws -> Measurement {
        var rates: [[Double]] = [[], []]
        for _ in 0..<Self.downloads {
            for (index, port) in [routed.port, nginx.port].enumerated() {
                let client = try BlockingClient(port: port)
                let begun = ContinuousClock.now
                try client.get("/gigabyte", bodyBytes: Self.downloadBytes)
                rates[index].append(Double(Self.downloadBytes) / begun.duration(to: .now).seconds / 1e6)
            }
        }
        let figure = Measurement.ratio(
            "router.download",
            on: "loopback",
            "1 GB, \(Self.condition(streams))",
            of: .init(name: "router", value: rates[0].median, unit: "MB/s"),
            to: .init(name: "nginx", value: rates[1].median, unit: "MB/s"),
            target: .atLeast(0.6)
        )
        report.add(figure)
        return figure
    }
}
