import Hummingbird
import Logging
import NIOCore
import TestPeers
import TestSupport

@testable import DevCluster

/// A round-robin proxy that learns seconds later that a replica has ended, as proxies behind Kubernetes' endpoints do.
///
/// It keeps its connections open and sends no request twice. If a request is lost, it answers 502 with the cause.
actor LaggingProxy {
    /// How long requests are still sent to a replica that has reported that it is not ready, or that no longer
    /// responds.
    static let lag = Duration.seconds(3)
    private static let pollInterval = Duration.milliseconds(100)

    private struct Endpoint {
        let replica: ReplicaProcess
        var idle: [PersistentConnection] = []
        var isEnding = false
    }

    private var endpoints: [Endpoint] = []
    private var turn = 0
    /// The number of requests that were sent to a replica that no longer reported readiness.
    private(set) var lateRequestCount = 0

    func add(_ replica: ReplicaProcess) {
        endpoints.append(Endpoint(replica: replica))
    }

    /// Polls the replicas' readiness until the task is cancelled.
    func watch() async throws {
        var ends: [Int: ContinuousClock.Instant] = [:]
        let clock = ContinuousClock()
        while true {
            for endpoint in endpoints {
                let port = endpoint.replica.port
                if ends[port] == nil, await endpoint.replica.readiness() != 200 {
                    ends[port] = clock.now + Self.lag
                    mark(port)
                }
                if let end = ends[port], end <= clock.now { endpoints.removeAll { $0.replica.port == port } }
            }
            try await clock.sleep(for: Self.pollInterval)
        }
    }

    private func mark(_ port: Int) {
        for index in endpoints.indices where endpoints[index].replica.port == port { endpoints[index].isEnding = true }
    }

    /// Forwards a request to the next replica.
    func forward(_ request: String) async -> (status: Int, body: String) {
        guard !endpoints.isEmpty else {
            return (503, "there is no replica")
        }
        turn += 1
        let index = turn % endpoints.count
        let port = endpoints[index].replica.port
        if endpoints[index].isEnding { lateRequestCount += 1 }
        var kept: PersistentConnection?
        while kept == nil, let idle = endpoints[index].idle.popLast() { kept = idle.isOpen ? idle : nil }
        do {
            let connection: PersistentConnection
            if let kept { connection = kept } else { connection = try await PersistentConnection.open(to: port) }
            let answer = try await connection.exchange(request)
            if answer.isKept, let index = endpoints.firstIndex(where: { $0.replica.port == port }) {
                endpoints[index].idle.append(connection)
            } else {
                connection.close()
            }
            return (answer.status, answer.body)
        } catch {
            let ending = endpoints.first { $0.replica.port == port }?.isEnding
            let words = "lost on a \(kept == nil ? "new" : "kept") connection, ending: \(ending as Any): \(error)"
            return (502, words)
        }
    }

    /// Runs the proxy as a server until `body` returns.
    nonisolated func run(_ body: @escaping @Sendable (_ port: Int) async throws -> Void) async throws {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await self.respond(to: request) },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { source.yield($0.localAddress?.port ?? 0) },
            logger: .silent
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withService(application) { try await body(await ports.first { _ in true } ?? 0) }
            }
            group.addTask { try await self.watch() }
            try await group.next()
            group.cancelAll()
        }
    }

    private nonisolated func respond(to request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 16)
        var text = "\(request.method.rawValue) \(request.uri.string) HTTP/1.1\r\nHost: replica\r\n"
        for field in request.headers where [.authorization, .contentType].contains(field.name) {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        text += "Content-Length: \(body.readableBytes)\r\n\r\n" + String(buffer: body)
        let answer = await forward(text)
        return Response(
            status: .init(code: answer.status),
            body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body))
        )
    }
}
