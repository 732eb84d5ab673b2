import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import PreviewControl
import Synchronization

/// The requests of front ends and agents: keepalives, lists, starts and stops.
final class RolloutLoad: Sendable {
    struct Report: Sendable {
        var answered = 0
        /// Requests without a response of status 200.
        var failures: [String] = []
    }

    private let port: Int
    private let transport: CurlTransport
    private let report = Mutex(Report())

    /// The time between two requests of one caller.
    private static let pace = Duration.milliseconds(15)

    init(port: Int, transport: CurlTransport) {
        self.port = port
        self.transport = transport
    }

    var result: Report { report.withLock(\.self) }

    /// Keeps a preview alive until the task is cancelled.
    func keepAlive(_ path: String) async throws {
        while true { _ = try await call(.post, path) }
    }

    func list(_ path: String) async throws {
        while true { _ = try await call(.get, path) }
    }

    /// Starts previews and stops them.
    func startAndStop(_ path: String) async throws {
        while true {
            guard let token = try await start(path) else { continue }
            _ = try await call(.delete, "\(path)/\(token)")
        }
    }

    /// - Returns: The new preview's token.
    func start(_ path: String) async throws -> String? {
        struct Session: Decodable { let session_id: String }
        let answer = try await call(.post, path, body: #"{"target_port": 3000}"#)
        return try? JSONDecoder().decode(Session.self, from: Data(answer)).session_id
    }

    private func call(_ method: HTTPRequest.Method, _ path: String, body: String = "") async throws -> [UInt8] {
        let request = ServiceUnderTest.request(method, path, body: body, port: port, timeout: .seconds(30))
        var answer: [UInt8] = []
        do {
            let (head, bytes) = try await transport.collect(request, maxBodyBytes: 1 << 20)
            answer = bytes
            record(head.status == .ok ? nil : "\(method) \(head.status.code) \(String(decoding: bytes, as: UTF8.self))")
        } catch {
            // The cancellation of the load is not a failure.
            try Task.checkCancellation()
            record("\(method) \(error)")
        }
        try await MonotonicTime(ContinuousClock()).sleep(Self.pace)
        return answer
    }

    private func record(_ failure: String?) {
        report.withLock { report in
            report.answered += 1
            if let failure { report.failures.append(failure) }
        }
    }
}
