import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import Router

/// Properties of the router's pure parts, tested with generated inputs.
@Suite("Properties of heads and streams", .timeLimit(.minutes(2)))
struct RouterPropertyTests {
    private static let rounds = 400

    private func pick<Element>(_ elements: [Element], _ random: SeededRandom) -> Element {
        elements[Int(random.next() % UInt64(elements.count))]
    }

    // MARK: Event streams

    private static let pieces = [
        "\n", "\r", "\r\n", "\n\n", "data: x", ":", "event: done", "event:done", "e", " ", "ü",
    ]

    @Test(arguments: 0..<4)
    func anEventStreamsPlacesDoNotDependOnItsChunks(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        for _ in 0..<Self.rounds {
            let bytes = (0..<(random.next() % 30)).flatMap { _ in Array(pick(Self.pieces, random).utf8) }
            var whole = EventBoundary()
            let last = whole.read(bytes)
            var (parts, lastOfParts, offset) = (EventBoundary(), Int?.none, 0)
            while offset < bytes.count {
                let end = min(offset + Int(random.next() % 5), bytes.count)
                if let place = parts.read(bytes[offset..<end]) { lastOfParts = offset + place }
                offset = end
            }
            #expect(parts == whole)
            #expect(lastOfParts == last, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
    }

    /// What is inserted at a boundary is a separate event, and changes no event of the stream.
    @Test(arguments: 0..<4)
    func insertedEventsChangeNoOtherEvent(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        for _ in 0..<Self.rounds {
            let bytes = (0..<(random.next() % 30)).flatMap { _ in Array(pick(Self.pieces, random).utf8) }
            var boundary = EventBoundary()
            guard let place = boundary.read(bytes) else { continue }
            let changed = Array(bytes[..<place]) + Array("data: ours\n\n".utf8) + Array(bytes[place...])
            let events = Self.events(changed)
            let text = String(decoding: bytes, as: UTF8.self).debugDescription
            #expect(events.contains(["data: ours"]), "\(text)")
            #expect(events.filter { $0 != ["data: ours"] } == Self.events(bytes), "\(text)")
        }
    }

    /// The events of a stream, each as its lines without comments; an incomplete event is the last one.
    private static func events(_ bytes: [UInt8]) -> [[String]] {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars
        var (events, lines, line) = ([[String]](), [String](), "")
        var isAfterReturn = false
        for scalar in text {
            defer { isAfterReturn = scalar == "\r" }
            guard scalar == "\n" || scalar == "\r" else {
                line.unicodeScalars.append(scalar)
                continue
            }
            guard scalar == "\r" || !isAfterReturn else { continue }
            if line.isEmpty {
                if !lines.isEmpty { events.append(lines) }
                lines = []
            } else if line.unicodeScalars.first != ":" {
                lines.append(line)
            }
            line = ""
        }
        if !line.isEmpty { lines.append(line) }
        return lines.isEmpty ? events : events + [lines]
    }

    // MARK: Heads

    private static let names = [
        "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade", "Via", "X-Request-ID",
        "X-Forwarded-For", "Authorization", "Content-Length", "Cookie", "X-Mine", "X-Other", "Accept", "Prefer",
    ]
    private static let ofOneConnection: Set<String> = [
        "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
    ]
    /// Fields that a client cannot have removed, and fields that the router writes itself.
    private static let kept: Set<String> = ["authorization", "content-length", "cookie"]
    private static let written: Set<String> = ["via", "x-forwarded-for", "x-request-id", "connection", "te"]

    private func fields(_ random: SeededRandom) throws -> HTTPFields {
        var fields = HTTPFields()
        for _ in 0..<(random.next() % 12) {
            let name = pick(Self.names, random)
            let isOption = name == "Connection" || name == "TE"
            let value =
                isOption
                ? (0..<(random.next() % 3)).map { _ in pick(Self.names + ["close", "trailers"], random) }
                    .joined(separator: pick([",", ", ", " ,\t"], random))
                : "value-\(random.next() % 100)"
            fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return fields
    }

    @Test(arguments: 0..<4)
    func aForwardedHeadHasWhatIsForTheRecipientInItsOrderAndNothingOfTheConnection(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        let base = try BaseURL("http://core.example.com")
        for _ in 0..<Self.rounds {
            let fields = try fields(random)
            let request = HTTPRequest(method: .get, scheme: "http", authority: "h", path: "/x", headerFields: fields)
            let sent = ForwardedRequest(request, client: "192.0.2.1", to: base, id: "id").head
                .headerFields
            let nominated = Set(
                fields[values: .connection].joined(separator: ",").lowercased()
                    .split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
            )
            let expected = fields.filter { field in
                let name = field.name.canonicalName
                guard !Self.ofOneConnection.contains(name), !Self.written.contains(name) else { return false }
                return !nominated.contains(name) || Self.kept.contains(name)
            }
            let seen = sent.filter { field in
                let name = field.name.canonicalName
                return !Self.written.contains(name) && !["x-forwarded-host", "x-forwarded-proto"].contains(name)
            }
            #expect(seen == expected, "\(fields)")
            #expect(sent[.via]?.hasSuffix("1.1 preview-gateway") == true)
            #expect(sent[values: .via].count == 1)
            #expect(sent[.connection] == (HopByHop.takesTrailers(fields) ? "TE" : nil))
            #expect(sent[.te] == (HopByHop.takesTrailers(fields) ? "trailers" : nil))
        }
    }

    /// An accepted head can be read in one way only: it has at most one length, and none in addition to chunks.
    @Test(arguments: 0..<4)
    func aHeadThatPassesHasOneEnd(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let names = ["Host", "host", "Content-Length", "content-length", "Transfer-Encoding", "X", "X ", "", "Ä"]
        let texts = ["h", "5", "05", "+5", "5, 5", "", "chunked", "gzip, chunked", "CHUNKED", "a\rb", "a\u{0}", "h,i"]
        var passed = 0
        for _ in 0..<(Self.rounds * 10) {
            let fields = (0..<(random.next() % 4)).map { _ in (name: pick(names, random), value: pick(texts, random)) }
            let isHTTP11 = random.next() % 2 == 0
            guard FramingCheck.violation(in: fields, isHTTP11: isHTTP11) == nil else { continue }
            passed += 1
            func values(of name: String) -> [String] {
                fields.filter { $0.name.lowercased() == name }.map(\.value)
            }
            let (lengths, codings) = (values(of: "content-length"), values(of: "transfer-encoding"))
            #expect(lengths.count + codings.count <= 1, "\(fields)")
            #expect(lengths.allSatisfy { UInt64($0) != nil && !$0.hasPrefix("+") })
            #expect(codings.allSatisfy { $0.lowercased() == "chunked" } && (codings.isEmpty || isHTTP11))
            #expect(values(of: "host").count == 1 || (!isHTTP11 && values(of: "host").isEmpty))
            #expect(fields.allSatisfy { !$0.value.contains("\r") && !$0.value.contains("\u{0}") })
        }
        #expect(passed > 50)
    }
}
