import Basics
import HTTPTypes
import TestSupport
import Testing

@testable import Router

/// Properties of every request and every stream, tested with generated ones.
@Suite("Generated requests and streams", .timeLimit(.minutes(1)))
struct GeneratedRequestTests {
    // MARK: Streams of events

    private static let pieces = [
        "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "data: x", "data", ":", "id: 1", "event: done", "event:done",
        "event: donee", ": ping\n",
        "event", "e", " ",
    ]

    /// Whether an event ends where `text` ends and no last event is complete, determined by its lines.
    private static func isBoundary(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        // A line feed that follows would belong to it.
        guard bytes.last != UInt8(ascii: "\r") else { return false }
        var lines: [[UInt8]] = [[]]
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\r"):
                if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\n") { position += 1 }
                lines.append([])
            case UInt8(ascii: "\n"): lines.append([])
            case let byte: lines[lines.count - 1].append(byte)
            }
            position += 1
        }
        guard lines.last?.isEmpty == true else { return false }
        let complete = lines.dropLast().map { String(decoding: $0, as: UTF8.self) }
        var name = ""
        for line in complete {
            if line.isEmpty {
                if name == "done" { return false }
                name = ""
            } else if line == "event" {
                name = ""
            } else if line.hasPrefix("event:") {
                let value = line.dropFirst("event:".count)
                name = String(value.first == " " ? value.dropFirst() : value)
            }
        }
        return complete.last { !$0.hasPrefix(":") }?.isEmpty ?? true
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func placesAreWhereLinesSayHoweverTheBytesCome(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        let text = (0..<(random.next() % 20)).map { _ in Self.pieces[Int(random.next() % UInt64(Self.pieces.count))] }
            .joined()
        let bytes = Array(text.utf8)
        let places = (0...bytes.count).filter { Self.isBoundary(String(decoding: bytes[..<$0], as: UTF8.self)) }
        var whole = EventBoundary()
        #expect(whole.read(bytes) == places.last { $0 > 0 }, "\(text.debugDescription)")
        var boundary = EventBoundary()
        var offset = 0
        while offset < bytes.count {
            let size = min(1 + Int(random.next() % 5), bytes.count - offset)
            let expected = places.last { $0 > offset && $0 <= offset + size }.map { $0 - offset }
            #expect(boundary.read(bytes[offset..<(offset + size)]) == expected, "\(text.debugDescription), \(offset)")
            offset += size
        }
        #expect(boundary == whole)
    }

    // MARK: Selection of requests

    private static let segments = [
        "api", "runs", "r-1", "sandbox", "preview", "port-forward", "token-1", "keepalive", "preview-requests",
        "tool-approvals", "auto-approve", "stream", "healthz", "metrics", "mcp", "", ".", "..", "API", "%70review",
    ]
    private static let methods: [HTTPRequest.Method] = [.get, .post, .delete, .put, .head, .options]

    /// The documented routes, written a second time; without methods if all methods belong to this service.
    private static func routes() throws -> [(path: Regex<AnyRegexOutput>, methods: [HTTPRequest.Method]?)] {
        let run = "^/api/runs/[A-Za-z0-9][A-Za-z0-9._-]*"
        let token = "(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+"
        return [
            (try Regex("^/(healthz|readyz|metrics|openapi\\.json|mcp)$"), nil),
            (try Regex("\(run)/(preview-requests|preview-events)$"), [.get, .head, .options]),
            (try Regex("\(run)/(tool-approvals|tool-denials|auto-approve)$"), [.post, .options]),
            (try Regex("\(run)/sandbox/preview$"), [.post, .options]),
            (try Regex("\(run)/sandbox/port-forward$"), [.post, .get, .head, .options]),
            (try Regex("\(run)/preview-requests/\(token)$"), [.get, .head, .options]),
            (try Regex("\(run)/sandbox/port-forward/\(token)$"), [.get, .head, .delete, .options]),
            (try Regex("\(run)/sandbox/preview/\(token)/keepalive$"), [.post, .options]),
        ]
    }

    @Test func onlyTheDocumentedSpellingOfARouteIsOurs() throws {
        let random = SeededRandom(seed: 5)
        let documented = try Self.routes()
        let routes = [
            "api/runs/r-1/sandbox/preview", "api/runs/r-1/sandbox/port-forward",
            "api/runs/r-1/sandbox/port-forward/token-1",
            "api/runs/r-1/sandbox/preview/token-1/keepalive", "api/runs/r-1/tool-approvals",
            "api/runs/r-1/preview-requests/x",
        ]
        var ours = 0
        for _ in 0..<1500 {
            var parts = routes[Int(random.next() % UInt64(routes.count))].split(separator: "/").map(String.init)
            for _ in 0..<(random.next() % 3) {
                let segment = Self.segments[Int(random.next() % UInt64(Self.segments.count))]
                let place = Int(random.next() % UInt64(parts.count))
                switch random.next() % 3 {
                case 0: parts[place] = segment
                case 1: parts.insert(segment, at: place)
                default: if parts.count > 1 { parts.remove(at: place) }
                }
            }
            let path = "/" + parts.joined(separator: "/")
            let method = Self.methods[Int(random.next() % UInt64(Self.methods.count))]
            let owner = RouteTable.owner(of: method, path)
            let isOurs = documented.contains { route in
                path.firstMatch(of: route.path) != nil && route.methods?.contains(method) ?? true
            }
            #expect((owner == .service) == isOurs, "\(method) \(path)")
            #expect(RouteTable.owner(of: method, path + "?a=/healthz") == owner, "\(method) \(path)")
            ours += owner == .service ? 1 : 0
        }
        #expect(ours > 100)
    }
}
