import FoundationEssentials
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewControl

/// Each kind of request to a core API that fails in different ways, through the whole service over real connections.
@Suite("A core API that fails", .timeLimit(.minutes(5)))
struct RouterFaultTests {
    /// The faults of the core API; the path of a request selects one.
    enum Fault: String, CaseIterable, Sendable {
        case closesBeforeTheHead, resetsBeforeTheHead, closesWithinTheHead, resetsWithinTheHead, garbage
        case emptyStatusLine, hugeHead, interimAndClose, silent, silentWithinTheHead, contradictingLengths
        case shortBody, resetWithinTheBody, shortChunks, brokenChunkSize, resetWithinChunks
        case interimAndAnswer

        /// How a fault appears to the caller.
        enum Effect: Sendable { case badGateway, timeout, brokenBody, none }

        var effect: Effect {
            switch self {
            case .silent, .silentWithinTheHead: .timeout
            case .shortBody, .resetWithinTheBody, .shortChunks, .brokenChunkSize, .resetWithinChunks: .brokenBody
            case .interimAndAnswer: .none
            default: .badGateway
            }
        }

        fileprivate func answer(type: String) -> RawPeer.Response {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n"
            let length = head + "Content-Length: 1000\r\n\r\n"
            let chunks = head + "Transfer-Encoding: chunked\r\n\r\n"
            let part = "data: xxxxxxxxxx\n\n"
            return switch self {
            case .closesBeforeTheHead: .init("", then: .close)
            case .resetsBeforeTheHead: .init("", then: .reset)
            case .closesWithinTheHead: .init(head, then: .close)
            case .resetsWithinTheHead: .init(head, then: .reset)
            case .garbage: .init("\u{1}\u{2}nonsense\r\n\r\n", then: .close)
            case .emptyStatusLine: .init("\r\n\r\n", then: .close)
            case .hugeHead: .init(head + "X-Long: \(String(repeating: "x", count: 1 << 20))\r\n\r\n", then: .close)
            case .interimAndClose: .init("HTTP/1.1 103 Early Hints\r\n\r\n", then: .close)
            case .silent: .init("", then: .keepOpen)
            case .silentWithinTheHead: .init(head, then: .keepOpen)
            case .contradictingLengths:
                .init(head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", then: .close)
            case .shortBody: .init(length + part, then: .close)
            case .resetWithinTheBody: .init(length + part, then: .reset)
            case .shortChunks: .init(chunks + "12\r\n\(part)\r\n", then: .close)
            case .brokenChunkSize: .init(chunks + "12\r\n\(part)\r\nzz\r\n", then: .close)
            case .resetWithinChunks: .init(chunks + "12\r\n\(part)\r\n", then: .reset)
            case .interimAndAnswer:
                .init(
                    "HTTP/1.1 103 Early Hints\r\n\r\n\(head)Content-Length: \(part.utf8.count)\r\n\r\n\(part)",
                    then: .keepOpen
                )
            }
        }
    }

    enum Kind: String, CaseIterable, Sendable {
        case get, head, post, download, stream

        fileprivate var type: String {
            switch self {
            case .stream: "text/event-stream"
            case .download: "application/octet-stream"
            default: "application/json"
            }
        }

        fileprivate func request(_ fault: Fault) -> String {
            let path = "/fault/\(fault.rawValue)/\(rawValue)" + (self == .stream ? "/stream" : "")
            let method =
                switch self {
                case .head: "HEAD"
                case .post: "POST"
                default: "GET"
                }
            let body = self == .post ? "Content-Length: 5\r\n\r\nhello" : "\r\n"
            return "\(method) \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(body)"
        }
    }

    /// Long enough for a busy machine, short enough for the cases without a response.
    private static let headTimeout = 2
    private static let atOnce = 6

    private static let good = RawPeer.Response(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        then: .keepOpen
    )

    /// The core API's response to a request with this head.
    private static func answer(_ head: String) -> RawPeer.Response {
        let words = (head.split(separator: " ").dropFirst().first ?? "").split(separator: "/")
        guard words.first == "fault", words.count >= 3, let fault = Fault(rawValue: String(words[1])),
            let kind = Kind(rawValue: String(words[2]))
        else { return good }
        return fault.answer(type: kind.type)
    }

    @Test func everyFaultHasItsStatusAndTheNextRequestWorks() async throws {
        try await RawPeer.run({ _, head in Self.answer(head) }) { core in
            let settings = [
                "Agentweaver__ApiBaseUrl": "http://\(core.authority)", "Router__Enabled": "true",
                "Router__HeadTimeoutSeconds": "\(Self.headTimeout)",
            ]
            try await ServiceUnderTest.run(settings: settings) { service in
                var cells = Fault.allCases.flatMap { fault in Kind.allCases.map { (fault, $0) } }
                let random = SeededRandom(seed: 3)
                for index in cells.indices { cells.swapAt(index, Int(random.next() % UInt64(cells.count))) }
                let shuffled = cells
                await shuffled.forEach(maxConcurrent: Self.atOnce) { fault, kind in
                    do {
                        try await Self.check(fault, kind, service)
                    } catch {
                        Issue.record("\(kind) × \(fault): \(error)")
                    }
                }
                // All requests and connections are released.
                let isIdle: Bool? = try await poll(every: .milliseconds(50), limit: .seconds(10)) {
                    let metrics = try await RawResponse.get("/metrics", from: service.port).body
                    return metrics.contains(#"router_open_requests{kind="request"} 0"#)
                        && metrics.contains(#"router_open_requests{kind="stream"} 0"#) ? true : nil
                }
                #expect(isIdle == true)
                await waitUntil { core.openConnectionCount <= Self.atOnce }
            }
        }
    }

    private static func check(_ fault: Fault, _ kind: Kind, _ service: ServiceUnderTest) async throws {
        let answer = try await RawResponse.send(kind.request(fault), to: service.port)
        let comment = Comment(rawValue: "\(kind) × \(fault): \(answer.text.prefix(300))")
        // A response to HEAD is complete with its head, whatever the body would have been.
        switch kind == .head && fault.effect == .brokenBody ? Fault.Effect.none : fault.effect {
        case .badGateway, .timeout:
            #expect(answer.status == (fault.effect == .timeout ? 504 : 502), comment)
            #expect(answer.field("Retry-After") == "5", comment)
            #expect(kind == .head ? answer.body.isEmpty : answer.body.hasPrefix(#"{"error":"The core API"#), comment)
        case .brokenBody:
            #expect(answer.status == 200, comment)
            if let length = answer.field("Content-Length").flatMap({ Int($0) }) {
                #expect(answer.body.utf8.count < length, comment)
            } else {
                #expect(answer.field("Transfer-Encoding") == "chunked" && !answer.body.hasSuffix("0\r\n\r\n"), comment)
            }
        case .none:
            #expect(answer.status == 200, comment)
            #expect(answer.body.isEmpty == (kind == .head), comment)
        }
        let next = try await RawResponse.get("/next", from: service.port)
        #expect(next.status == 200 && next.body == "{}", comment)
    }

    @Test func aCoreAPIThatRefusesConnectionsIsABadGatewayToEveryKind() async throws {
        let port = try #require(Sockets.freePort(address: "127.0.0.1"))
        let settings = ["Agentweaver__ApiBaseUrl": "http://127.0.0.1:\(port)", "Router__Enabled": "true"]
        try await ServiceUnderTest.run(settings: settings) { service in
            for kind in Kind.allCases {
                let answer = try await RawResponse.send(kind.request(.silent), to: service.port)
                #expect(answer.status == 502, "\(kind)")
                #expect(answer.field("Retry-After") == "5", "\(kind)")
                #expect(answer.body.isEmpty == (kind == .head), "\(kind)")
            }
        }
    }
}
