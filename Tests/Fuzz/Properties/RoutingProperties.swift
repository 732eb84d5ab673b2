import HTTPTypes
import Router

/// A forwarded request names one host and one length, and contains nothing of the connection on which it arrived; and a
/// request is this service's in one spelling only.
enum RoutingProperties {
    /// Reads the bytes as the head of a request: a line with method and target, then fields.
    static func check(_ bytes: [UInt8]) throws {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 1).map(String.init)
        let fields = lines.dropFirst().prefix(100).compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        try checkFraming(fields)
        guard words.count == 2, let method = HTTPRequest.Method(words[0]) else { return }
        try checkOwner(method, words[1])
    }

    /// An accepted head leaves no doubt about where its request ends.
    private static func checkFraming(_ fields: [(name: String, value: String)]) throws {
        for isHTTP11 in [false, true] {
            guard FramingCheck.violation(in: fields, isHTTP11: isHTTP11) == nil else { continue }
            func count(_ name: String) -> Int { fields.count { $0.name.lowercased() == name } }
            try require(count("host") <= 1 && (!isHTTP11 || count("host") == 1), "there is one host")
            try require(count("content-length") + count("transfer-encoding") <= 1, "there is one length")
            for (name, value) in fields {
                try require(HTTPField.Name(name) != nil, "a name is a token")
                try require(
                    !value.unicodeScalars.contains("\r") && !value.unicodeScalars.contains("\0"),
                    "a value is one line"
                )
                if name.lowercased() == "content-length" {
                    try require(Int(value).map { $0 >= 0 } == true, "a length is a number")
                }
            }
        }
    }

    private static func checkOwner(_ method: HTTPRequest.Method, _ target: String) throws {
        let owner = RouteTable.owner(of: method, target)
        try require(
            RouteTable.owner(of: method, target + "?query") == owner || target.contains("?"),
            "a query decides nothing"
        )
        let path = target.prefix { $0 != "?" }
        switch owner {
        case .core: break
        case .service:
            try require(
                path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "%") },
                "nothing is decoded"
            )
            try require(!path.contains("//") && !path.contains("/../") && !path.hasSuffix("/"), "nothing is normalised")
        case .timeline(let run):
            try require(method == .get && path == "/api/runs/\(run)/stream", "a timeline has one spelling")
        }
    }
}

/// Whatever the bytes and however they are split, an event may be inserted between two events and nowhere else.
enum StreamProperties {

    static func check(_ bytes: [UInt8]) throws {
        var whole = EventBoundary()
        let places = places(in: bytes)
        let last = whole.read(bytes)
        try require(last == places.last, "the last place is the last of all places")
        for size in [2, 3, 7] {
            var boundary = EventBoundary()
            for start in stride(from: 0, to: bytes.count, by: size) {
                let end = min(start + size, bytes.count)
                let place = boundary.read(bytes[start..<end]).map { $0 + start }
                try require(place == places.last { $0 > start && $0 <= end }, "places do not depend on how bytes come")
            }
            try require(boundary == whole, "nor does what is left")
        }
        // An inserted event is a separate event, and changes none of the others. The bytes have no room for an equal one.
        let data = String(repeating: "x", count: bytes.count + 1)
        let own = Array("event: own\ndata: \(data)\n\n".utf8)
        let events = SSEReader.events(in: bytes)
        for place in places.prefix(8) {
            var merged = SSEReader.events(in: bytes[..<place] + own + bytes[place...])
            let index = merged.firstIndex(of: SSEReader.event(named: "own", data: data))
            try merged.remove(at: require(index, "what is put in arrives"))
            try require(merged == events, "the others are as they were")
        }
    }

    /// The offsets at which an event may be inserted.
    private static func places(in bytes: [UInt8]) -> [Int] {
        var boundary = EventBoundary()
        return bytes.indices.compactMap { boundary.read(CollectionOfOne(bytes[$0])) == nil ? nil : $0 + 1 }
    }
}

/// A reader of event streams according to WHATWG HTML, section 9.2.6, written only for this check.
private enum SSEReader {
    struct Event: Equatable {
        var name: [UInt8] = []
        var data: [[UInt8]] = []
    }

    static func event(named name: String, data: String) -> Event {
        Event(name: Array(name.utf8), data: [Array(data.utf8)])
    }

    static func events(in bytes: some Sequence<UInt8>) -> [Event] {
        var events: [Event] = []
        var event = Event()
        for line in lines(of: bytes) {
            if line.isEmpty {
                // An event without data is not dispatched.
                if !event.data.isEmpty { events.append(event) }
                event = Event()
                continue
            }
            let name = line.prefix { $0 != UInt8(ascii: ":") }
            var value = line.dropFirst(name.count + 1)
            if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
            if name.elementsEqual("event".utf8) { event.name = Array(value) }
            if name.elementsEqual("data".utf8) { event.data.append(Array(value)) }
        }
        return events
    }

    /// The complete lines.
    private static func lines(of bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var isAfterReturn = false
        for byte in bytes {
            if byte == UInt8(ascii: "\n"), isAfterReturn {
                isAfterReturn = false
            } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                lines.append(line)
                line = []
                isAfterReturn = byte == UInt8(ascii: "\r")
            } else {
                line.append(byte)
                isAfterReturn = false
            }
        }
        return lines
    }
}
