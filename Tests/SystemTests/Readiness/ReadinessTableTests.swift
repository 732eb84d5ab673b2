import CurlHTTP
import Foundation
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// Combinations of DNS, TLS, gateway and app, through a real Envoy.
@Suite(
    "The readiness that is reported for a preview",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(10))
)
struct ReadinessTableTests {
    /// How long an app may take to become ready in these cases.
    private static let readyTimeout = Duration.seconds(1)
    private static let casesAtOnce = 6

    /// One line of the table.
    private struct Line: Sendable {
        let scenario: ReadinessCase
        let readiness: Readiness
        let duration: Duration
        /// The status of the app's page at which an independent client arrives; `nil` if it does not reach the app.
        let seenStatus: Int?
    }

    @Test func everyCombinationHasItsStateAndDetail() async throws {
        let random = SeededRandom(seed: 11)
        let previews = try ReadinessCase.all.map {
            ReadinessGateway.Preview(token: try PreviewToken.mint(randomBytes: { random.bytes($0) }), scenario: $0)
        }
        #expect(previews.count >= 40)
        let byHost = Dictionary(uniqueKeysWithValues: previews.map { ($0.host, $0.scenario) })
        let lines = Mutex<[Int: Line]>([:])
        try await RawPeer.run({ _, head in
            let host = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("host:") }?.dropFirst(6) ?? ""
            return byHost[String(host.prefix { $0 != ":" })]?.app.answer(to: head) ?? RawPeer.Response("", then: .close)
        }) { app in
            // Accepts connections and sends nothing, not even in a handshake.
            try await RawPeer.run({ _, _ in RawPeer.Response("", then: .keepOpen) }) { silent in
                try await DNSPeer.run(
                    zone: ReadinessGateway.zone,
                    { name, _ in
                        switch byHost[name]?.name {
                        case .found: .address("127.0.0.1")
                        case .absent, nil: .absent
                        case .silent: .silence
                        }
                    }
                ) { names in
                    try await EndedPageUnderTest.run { endedPagePort in
                        try await ReadinessGateway.run(
                            previews,
                            appPort: app.port,
                            silentPort: silent.port,
                            endedPagePort: endedPagePort
                        ) { gateway in
                            await Array(previews.enumerated()).forEach(maxConcurrent: Self.casesAtOnce) {
                                position,
                                preview in
                                guard let line = try? await Self.line(preview, gateway, names) else { return }
                                lines.withLock { $0[position] = line }
                            }
                        }
                    }
                }
            }
        }
        let table = lines.withLock { lines in lines.sorted { $0.key < $1.key }.map(\.value) }
        #expect(table.count == previews.count)
        for line in table {
            let scenario = line.scenario
            let comment = Comment(rawValue: "\(scenario): \(line.readiness), after \(line.duration)")
            #expect(line.readiness.state == scenario.state, comment)
            #expect(line.readiness.isReady == (line.readiness.state == .serving), comment)
            if let words = scenario.words {
                #expect(line.readiness.detail?.contains(words) == true, comment)
            } else {
                #expect(line.readiness.detail == nil, comment)
            }
            // A preview is never reported as ready if a visitor sees no page of the app.
            if line.readiness.isReady { #expect(line.seenStatus == line.readiness.appStatus, comment) }
            if line.seenStatus == nil { #expect(!line.readiness.isReady, comment) }
            // An address that cannot be tried costs at most 2 s.
            if line.readiness.state == .unverified { #expect(line.duration < .seconds(2), comment) }
            #expect(line.duration < Self.readyTimeout + ReadinessWait.firstTimeout + .seconds(1), comment)
        }
        if let path = ProcessInfo.processInfo.environment["READINESS_TABLE"] {
            try Self.page(table).write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    private static func line(
        _ preview: ReadinessGateway.Preview,
        _ gateway: ReadinessGateway,
        _ names: DNSPeer
    ) async throws -> Line {
        let scenario = preview.scenario
        let zone = try ZoneSuffix(ReadinessGateway.zone)
        let clock = ContinuousClock()
        let time = MonotonicTime(clock)
        let transport = try CurlTransport(
            configuration: CurlConfiguration(
                tls: TLSConfiguration(caPEM: Array(gateway.authorityPEM.utf8)),
                connectTimeout: .seconds(1),
                maxSilence: .seconds(60)
            )
        )
        let server = ZoneResolver.Server(address: "127.0.0.1", port: names.port)
        let probe = GatewayProbe(
            transport: transport,
            address: PreviewAddress(zone: zone, port: gateway.ports[scenario.security]),
            names: ZoneResolver(zone, resolvers: { [server] }, serverPort: names.port, uptime: time.uptime)
        )
        let cluster = SimulatedCluster()
        cluster.addRoute(
            name: preview.token.objectName,
            labels: [PreviewLabel.partOf: "agentweaver", PreviewLabel.token: preview.token.text],
            annotations: [PreviewAnnotations.Key.pod: "pod-1", PreviewAnnotations.Key.podUID: "uid-1"]
        )
        cluster.setRouteStatus(scenario.status)
        let known = try #require(try await cluster.routes().first)
        let began = clock.now
        let evidence = await ReadinessEvidence.waiting(
            for: known,
            probe: probe,
            objects: cluster,
            time: time,
            readyTimeout: readyTimeout
        )
        let duration = clock.now - began
        let readiness = Readiness(evidence)
        await transport.shutdown()
        return Line(
            scenario: scenario,
            readiness: readiness,
            duration: duration,
            seenStatus: try await visit(preview, gateway)
        )
    }

    /// Opens a preview with the program curl, as a visitor with cookies who follows redirects would.
    ///
    /// - Returns: The status of the last response, if it is the app's and from the preview's own address.
    private static func visit(_ preview: ReadinessGateway.Preview, _ gateway: ReadinessGateway) async throws -> Int? {
        let port = try #require(gateway.ports[preview.scenario.security])
        // Without this option, a name that is not in DNS stays unresolved.
        let names = preview.scenario.name == .found ? ["--resolve", "\(preview.host):\(port):127.0.0.1"] : []
        let origin = "https://\(preview.host):\(port)/"
        let result = try await InstallationFiles.run(
            "curl",
            [
                "-sS", "-o", "/dev/null", "-L", "--max-redirs", "5", "-m", "3", "-b", "", "--cacert", "/dev/stdin",
                "-w", "%{http_code} %{url_effective} %header{x-answered-by}", origin,
            ] + names,
            input: gateway.authorityPEM
        )
        let words = result.output.split(separator: " ")
        guard result.isSuccess, words.count == 3, words[1].hasPrefix(origin), words[2] == "the-app" else { return nil }
        return Int(words[0])
    }

    /// The table of Docs/Readiness.md.
    private static func page(_ lines: [Line]) -> String {
        let head =
            "| name | TLS | gateway | app | route | `readiness` | `app_status` | `detail` |\n"
            + "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        return head
            + lines.map { line in
                let scenario = line.scenario
                let route =
                    scenario.status.isAccepted ? "accepted" : scenario.status.problem == nil ? "not yet" : "refused"
                let cells = [
                    scenario.name.rawValue, scenario.security.rawValue, scenario.gateway.rawValue,
                    scenario.app.rawValue, route, "`\(line.readiness.state.rawValue)`",
                    line.readiness.appStatus.map(String.init) ?? "", line.readiness.detail ?? "",
                ]
                return "| " + cells.joined(separator: " | ") + " |\n"
            }.joined()
    }
}
