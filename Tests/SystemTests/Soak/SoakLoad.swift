import Basics
import FoundationEssentials
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport

/// The requests of front ends, agents and operators to several replicas, chosen at random from a seed, and their
/// responses.
final class SoakLoad: Sendable {
    /// The port that only agents request.
    static let agentsPort = 3005
    private static let ports = [3000, 3001, 3002]
    /// The time between two requests of one caller.
    private static let pace = Duration.milliseconds(120)
    /// The largest number of previews that one caller uses.
    private static let mostPreviews = 4

    private struct State {
        var expectations: SoakExpectations
        var isStrict = false
        var isOver = false
        /// Requests with an unexpected status while the load was strict.
        var failures: [String] = []
        var statuses: [Int: Int] = [:]
    }

    private let proxy: LaggingProxy
    private let state: Mutex<State>
    private let time = MonotonicTime(ContinuousClock())

    init(proxy: LaggingProxy, outageGrace: Duration) {
        self.proxy = proxy
        state = Mutex(State(expectations: SoakExpectations(outageGrace: outageGrace)))
    }

    var expectations: SoakExpectations { state.withLock(\.expectations) }
    var failures: [String] { state.withLock(\.failures) }
    /// The number of responses, by status.
    var statuses: [Int: Int] { state.withLock(\.statuses) }

    /// Sets whether an unexpected response is a failure of the soak from now on.
    func setStrict(_ isStrict: Bool) { state.withLock { $0.isStrict = isStrict } }

    /// Ends the callers, each after its next response.
    func end() { state.withLock { $0.isOver = true } }

    private var isOver: Bool { state.withLock(\.isOver) }

    func update(_ change: (inout SoakExpectations) -> Void) { state.withLock { change(&$0.expectations) } }

    // MARK: Callers

    /// A front end: starts previews, keeps them alive, stops some, and abandons others.
    func viewer(of run: RunID, seed: UInt64) async throws {
        let random = SeededRandom(seed: seed)
        var tokens: [String] = []
        let previews = "/api/runs/\(run.text)/sandbox"
        while !isOver {
            try await time.sleep(Self.pace)
            let choice = random.unit()
            if tokens.isEmpty || (choice < 0.1 && tokens.count < Self.mostPreviews) {
                let port = Self.ports[Int(random.next() % UInt64(Self.ports.count))]
                if let token = try await start("\(previews)/port-forward", port: port) { tokens.append(token) }
            } else if choice < 0.15 {
                let token = tokens.remove(at: Int(random.next() % UInt64(tokens.count)))
                update { $0.recordStopRequest(token) }
                _ = try await call("DELETE", "\(previews)/port-forward/\(token)", expecting: [200, 404])
            } else if choice < 0.18 {
                // The preview is abandoned: it must end at its deadline.
                tokens.remove(at: Int(random.next() % UInt64(tokens.count)))
            } else if choice < 0.25 {
                _ = try await call("GET", "\(previews)/port-forward")
            } else if choice < 0.35 {
                _ = try await call("GET", "/api/runs/\(run.text)/files")
            } else {
                // All of them, so that none waits for longer than its idle time-out.
                for token in tokens where try await !ping(token, previews) { tokens.removeAll { $0 == token } }
            }
        }
    }

    /// Front ends that ping one preview all the time: it must exist whatever happens (invariant I15).
    func permanentViewers(of run: RunID) async throws {
        let previews = "/api/runs/\(run.text)/sandbox"
        var started: String?
        while started == nil {
            started = try await start("\(previews)/port-forward", port: Self.ports[0])
            try await time.sleep(Self.pace)
        }
        guard let token = started else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // A ping that hangs does not delay the others.
            for _ in 0..<4 {
                group.addTask { [self] in
                    while !isOver {
                        guard try await ping(token, previews) else {
                            return update { $0.recordLoss(of: token, at: Date()) }
                        }
                        try await time.sleep(Self.pace)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// - Returns: False if the preview has ended.
    private func ping(_ token: String, _ previews: String) async throws -> Bool {
        let (status, body) = try await call("POST", "\(previews)/preview/\(token)/keepalive", expecting: [200, 404])
        if status == 404 { update { $0.recordNotFound(token, at: Date()) } }
        if status == 200, let until = Self.decode(KeptAlive.self, body).flatMap({ RFC3339.date($0.expires_at) }) {
            update { $0.recordPing(of: token, until: until) }
        }
        return status != 404
    }

    private func start(
        _ path: String,
        port: Int,
        bearer: String = ServiceUnderTest.owner,
        expecting: Set<Int> = [200]
    ) async throws -> String? {
        let (status, body) = try await call(
            "POST",
            path,
            body: #"{"target_port": \#(port)}"#,
            bearer: bearer,
            expecting: expecting
        )
        guard status == 200, let session = Self.decode(Session.self, body),
            let until = RFC3339.date(session.expires_at)
        else { return nil }
        update { $0.recordStart(of: session.session_id, until: until) }
        return session.session_id
    }

    /// An agent: requests previews, and waits until they are approved.
    func agent(of run: RunID) async throws {
        while !isOver {
            try await time.sleep(Self.pace)
            // If the response is lost, the next request joins the pending one, or uses the grant.
            let path = "/api/runs/\(run.text)/sandbox/preview"
            // A replica that shuts down tells waiting callers to try again.
            _ = try await start(path, port: Self.agentsPort, bearer: ServiceUnderTest.key, expecting: [200, 503])
        }
    }

    /// An operator: approves pending requests with the scope `once`.
    func approver(of run: RunID) async throws {
        while !isOver {
            try await time.sleep(Self.pace * 3)
            let (status, body) = try await call("GET", "/api/runs/\(run.text)/preview-requests")
            guard status == 200 else { continue }
            for request in Self.decode([Request].self, body) ?? [] where request.state == "pending" {
                update { $0.recordApproval() }
                _ = try await call(
                    "POST",
                    "/api/runs/\(run.text)/tool-approvals",
                    body: #"{"request_id": "\#(request.request_id)"}"#,
                    expecting: [200, 409]
                )
            }
        }
    }

    // MARK: Requests

    private struct Session: Decodable {
        let session_id: String
        let expires_at: String
    }

    private struct KeptAlive: Decodable { let expires_at: String }

    private struct Request: Decodable {
        let request_id: String
        let state: String
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ body: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(body.utf8))
    }

    private func call(
        _ method: String,
        _ path: String,
        body: String = "",
        bearer: String = ServiceUnderTest.owner,
        expecting: Set<Int> = [200]
    ) async throws -> (status: Int, body: String) {
        let isStrict = state.withLock(\.isStrict)
        let answer = await proxy.forward(PersistentConnection.request(method, path, body: body, bearer: bearer))
        try Task.checkCancellation()
        state.withLock { state in
            state.statuses[answer.status, default: 0] += 1
            guard isStrict, state.isStrict, !expecting.contains(answer.status) else { return }
            let route = path.split(separator: "/").last { $0.utf8.count < 20 } ?? ""
            state.failures.append("\(method) …/\(route): \(answer.status)")
        }
        return answer
    }
}
