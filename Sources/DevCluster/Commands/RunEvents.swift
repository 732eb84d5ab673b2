import HTTPTransport
import HTTPTypes

/// An event of a run's event stream.
struct RunEvent: Sendable, Hashable {
    /// The id after which a reader can resume; `nil` if the event has none.
    let id: String?
    let name: String
    let data: JSONValue
}

/// Parses events from the bytes of a stream (WHATWG HTML, "Server-sent events").
///
/// It supports what the platform uses: lines that end with a line feed, and one line of data per event.
struct RunEventReader {
    private var rest: [UInt8] = []

    /// - Returns: The events that these bytes complete.
    mutating func read(_ bytes: [UInt8]) -> [RunEvent] {
        rest += bytes
        var events: [RunEvent] = []
        while let end = rest.firstRange(of: Array("\n\n".utf8)) {
            let text = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            rest.removeSubrange(..<end.upperBound)
            if let event = Self.event(text) { events.append(event) }
        }
        return events
    }

    /// - Returns: The event; `nil` if the text contains no field `event`, such as a comment.
    private static func event(_ text: String) -> RunEvent? {
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let name = line.prefix { $0 != ":" }
            fields[name] = line.dropFirst(name.count + 1).trimmingPrefix(" ")
        }
        guard let name = fields["event"] else { return nil }
        let data = (try? JSONParser.value(of: Array((fields["data"] ?? "").utf8))) ?? .null
        return RunEvent(id: fields["id"].map { String($0) }, name: String(name), data: data)
    }
}

extension ServiceClient {
    /// Reads a run's event stream, as the front end does, until it ends or the task is cancelled.
    ///
    /// - Parameter take: Called with each event.
    func follow(run: String, _ take: @escaping @Sendable (RunEvent) -> Void) async throws {
        var head = HTTPRequest(method: .get, scheme: "http", authority: authority, path: Self.stream(run))
        head.headerFields[.authorization] = "Bearer \(try bearer())"
        head.headerFields[.accept] = "text/event-stream"
        // Without a time-out, because the stream lasts as long as the run.
        try await transport.withResponse(to: TransportRequest(head: head, timeout: nil)) { response in
            guard response.head.status == .ok else {
                throw DevClusterFailure("the request for the run's stream got status \(response.head.status.code)")
            }
            var reader = RunEventReader()
            for try await chunk in response.body {
                for event in reader.read(chunk) { take(event) }
            }
        }
    }

    /// The path of a run's event stream.
    static func stream(_ run: String) -> String { "\(Self.run(run))/stream" }

    /// The path of a run.
    static func run(_ run: String) -> String { "/api/runs/\(run)" }

    /// The run's status in the core API.
    func status(run: String) async throws -> String? {
        try await require(.get, Self.run(run), body: nil)["status"]?.stringValue
    }
}
