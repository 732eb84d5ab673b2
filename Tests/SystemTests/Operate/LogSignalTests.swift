import Foundation
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The built program: a signal changes its log level, and a request carries a trace.
@Suite(
    "The log level of a running replica",
    .enabled(if: ReplicaProcess.program != nil, "the service was not built"),
    .timeLimit(.minutes(2))
)
struct LogSignalTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test func aSignalTurnsOnDebugLinesWithTracesAndASecondOneTurnsThemOff() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (key, log) = (folder.file("key.pem"), folder.file("log"))
        try PrivateFile.write(ServiceUnderTest.issuerKeyPEM.utf8, to: key)
        try await withAPIServer { server in
            try ClusterObjects.install(into: server.store, port: 8088)
            let kubeconfig = try await server.kubeconfig(namespace: ClusterObjects.namespace)
            var settings = ServiceUnderTest.settings(issuerKey: key)
            settings["KUBECONFIG"] = try folder.write("kubeconfig", kubeconfig)
            settings["Log__Format"] = "json"
            let replica = try ReplicaProcess(settings: settings, log: log)
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await replica.run() }
                try await replica.waitUntilReady()
                try await toggle(replica, until: #"{"level":"debug"}"#, in: log)
                try await request(replica, trace: "00-\(Self.trace)-00f067aa0ba902b7-01")
                try await wait(for: "\"trace_id\":\"\(Self.trace)\"", in: log)
                let line = try #require(try text(log).split(separator: "\n").first { $0.contains(Self.trace) })
                #expect(line.contains(#""request_id":"of-this-test""#) && line.contains(#""message":"request""#))
                try await toggle(replica, until: #"{"level":"info"}"#, in: log)
                replica.signalStop()
                #expect(try await replica.waitUntilEnded()?.isSuccess == true)
            }
        }
    }

    private func toggle(
        _ replica: ReplicaProcess,
        until part: String,
        in log: String
    ) async throws {
        let id = try #require(replica.processIdentifier)
        let program = try #require(ReplicaProcess.program)
        let result = try await InstallationFiles.run(program, ["debug-log", "--pid", "\(id)"])
        #expect(result.isSuccess, "\(result.errors)")
        try await wait(for: part, in: log)
    }

    private func request(_ replica: ReplicaProcess, trace: String) async throws {
        let connection = try await PersistentConnection.open(to: replica.port)
        defer { connection.close() }
        let answer = try await connection.exchange(
            "GET /healthz HTTP/1.1\r\nHost: replica\r\ntraceparent: \(trace)\r\nX-Request-ID: of-this-test\r\n\r\n"
        )
        #expect(answer.status == 200)
    }

    private func text(_ log: String) throws -> String { try String(contentsOfFile: log, encoding: .utf8) }

    private func wait(for part: String, in log: String) async throws {
        let found = try await poll(every: .milliseconds(20), limit: .seconds(20)) {
            (try? text(log))?.contains(part) == true ? true : nil
        }
        #expect(found == true, "\(part) is not in the log: \((try? text(log)) ?? "")")
    }
}
