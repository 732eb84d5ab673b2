import FoundationEssentials
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The core API for tests, `Tests/CoreAPIStandIn/core_api.py`, in a separate process.
struct CoreAPIStandIn: Sendable {
    private static let folder = ProjectFiles.path("Tests/CoreAPIStandIn")

    let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    /// Runs the stand-in until `body` returns.
    static func run(_ arguments: [String] = [], _ body: @escaping @Sendable (CoreAPIStandIn) async throws -> Void)
        async throws
    {
        let port = try #require(Sockets.freePort(address: "127.0.0.1"))
        let log = FileManager.default.temporaryDirectory.appending(path: "core-\(UUID().uuidString).log").path
        defer { try? FileManager.default.removeItem(atPath: log) }
        let command = ProcessCommand(
            executable: "python3",
            arguments: ["\(folder)/core_api.py", "--port", "\(port)"] + arguments,
            environment: [:],
            logFile: log
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { _ = try await ChildProcess(watchdog: nil).run(command) }
            while !Sockets.accepts(address: "127.0.0.1", port: port) {
                try Task.checkCancellation()
                await Task.yield()
            }
            try await body(CoreAPIStandIn(port: port))
        }
    }

    /// Runs one of the scripts in the same folder until it ends.
    ///
    /// - Parameter python: The Python that has the packages of the script.
    /// - Returns: Whether the script succeeded, and its output.
    static func script(
        _ name: String,
        _ arguments: [String],
        python: String = "python3"
    ) async throws -> (succeeded: Bool, output: String) {
        let log = FileManager.default.temporaryDirectory.appending(path: "script-\(UUID().uuidString).log").path
        defer { try? FileManager.default.removeItem(atPath: log) }
        let exit = try await ChildProcess(watchdog: nil).run(
            ProcessCommand(
                executable: python,
                arguments: ["\(folder)/\(name)"] + arguments,
                environment: [:],
                logFile: log
            )
        )
        let output = try String(contentsOfFile: log, encoding: .utf8)
        return (exit == .code(0), output)
    }

    // MARK: Recorded requests

    struct State: Decodable, Sendable {
        struct Last: Decodable, Sendable {
            let upload: Int?
            let route: String?
            let authorization: String?
        }

        let requests: Int
        let open: Int
        let left: Int
        let connections: Int
        let last: Last
    }

    /// The counts so far; this request is included in `requests`, and not in `open`.
    func state() async throws -> State {
        let answer = try await RawResponse.get("/state", from: port)
        return try JSONDecoder().decode(State.self, from: Data(answer.body.utf8))
    }

    /// Reads the counts until `condition` holds.
    func until(_ condition: (State) -> Bool) async throws {
        while try await !condition(state()) { try Task.checkCancellation() }
    }
}

/// A response as it was on the wire; the server then closed the connection.
struct RawResponse: Sendable {
    /// The response, without interim ones before it.
    let text: String

    init(text: String) {
        var text = text
        while text.hasPrefix("HTTP/1.1 1"), let end = text.firstRange(of: "\r\n\r\n") {
            text = String(text[end.upperBound...])
        }
        self.text = text
    }

    var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
    var head: String { text.firstRange(of: "\r\n\r\n").map { String(text[..<$0.lowerBound]) } ?? text }
    var body: String { text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }

    func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("\(name.lowercased()):") }
            .map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
    }

    /// Sends exactly these bytes, and reads until the server closes.
    static func send(_ bytes: String, to port: Int) async throws -> RawResponse {
        let client = try await RawClient.connect(to: port)
        try await client.send(bytes)
        let text = await client.receiveAll()
        try? await client.close()
        return RawResponse(text: text)
    }

    static func get(_ path: String, from port: Int, _ fields: String = "") async throws -> RawResponse {
        try await send("GET \(path) HTTP/1.1\r\nHost: h\r\n\(fields)Connection: close\r\n\r\n", to: port)
    }
}
