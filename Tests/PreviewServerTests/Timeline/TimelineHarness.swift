import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// The event stream over a log in memory, for clients that choose what they send and when they disconnect.
struct TimelineHarness: Sendable {
    let base: APIHarness
    let run: RunID
    let claim: ClaimIdentity

    init() async throws {
        base = try await APIHarness()
        run = try RunID(APIHarness.run)
        claim = try await base.cluster.claim(of: run)
    }

    var log: SimulatedTimelineLog { base.log }

    /// Writes an event, of this replica or of another one, to the log.
    @discardableResult
    func write(
        _ subject: String,
        _ kind: TimelineEvent.Kind = .started,
        run: RunID? = nil,
        claim: ClaimIdentity? = nil,
        message: String = "The preview of port 3000 was started."
    ) async throws -> TimelineEntry {
        let event = TimelineEvent(
            kind,
            run: run ?? self.run,
            claim: claim ?? self.claim,
            subject: subject,
            message: message,
            details: ["port": "3000"]
        )
        let entry = TimelineEntry(event, at: base.cluster.now)
        _ = try await log.write(entry)
        return entry
    }

    /// Runs a server on loopback.
    func serve(_ work: @Sendable @escaping (_ port: Int) async throws -> Void) async throws {
        try await Application(responder: base.api.responder()).test(.live) { client in
            try await work(try #require(client.port))
        }
    }

    /// Opens a stream, and closes its connection when `body` ends.
    func read<Result: Sendable>(
        _ port: Int,
        lastEventID: String? = nil,
        _ body: (RawClient) async throws -> Result
    ) async throws -> Result {
        try await RawClient.open(port: port) { connection in
            var request = """
                GET /api/runs/\(run)/preview-events HTTP/1.1\r
                Host: localhost\r
                Authorization: Bearer \(APIHarness.owner)\r

                """
            if let lastEventID { request += "Last-Event-ID: \(lastEventID)\r\n" }
            try await connection.send(request + "\r\n")
            return try await body(connection)
        }
    }

    /// An entry as it is on the wire.
    func text(_ entry: TimelineEntry, id: Int) throws -> String {
        let data = String(decoding: try entry.json(), as: UTF8.self)
        return "id: \(id)\nevent: \(entry.event.kind.rawValue)\ndata: \(data)\n\n"
    }
}
