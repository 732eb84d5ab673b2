import Basics
import FoundationEssentials
import HTTPTransport
import KubernetesModel
import TestSupport

@testable import KubernetesClient

/// A client on a scripted transport and a clock that a test advances.
struct ClientFixture: Sendable {
    let clock: ManualClock
    let transport: ScriptedTransport
    let client: KubernetesClient

    init(
        limits: RequestLimits = RequestLimits(),
        credential: CredentialSource = .token(Secret("t0ken")),
        observer: RequestObserver? = nil,
        remainingTime: @escaping @Sendable () -> Duration? = { nil },
        failureObserver: FailureObserver? = nil,
        _ reply: @escaping @Sendable (TransportRequest, Int) -> ScriptedTransport.Reply?
    ) throws {
        let clock = ManualClock()
        let transport = ScriptedTransport(clock: clock, reply)
        self.clock = clock
        self.transport = transport
        client = KubernetesClient(
            configuration: try Self.configuration(credential),
            limits: limits,
            clock: clock,
            randomness: Randomness(SeededRandom(seed: 1)),
            observer: observer,
            remainingTime: remainingTime,
            failureObserver: failureObserver
        ) { _ in transport }
    }

    init(
        limits: RequestLimits = RequestLimits(),
        credential: CredentialSource = .token(Secret("t0ken")),
        _ replies: ScriptedTransport.Reply...
    ) throws {
        try self.init(limits: limits, credential: credential) { _, index in
            index < replies.count ? replies[index] : nil
        }
    }

    static func configuration(_ credential: CredentialSource = .token(Secret("t0ken"))) throws -> ClusterConfiguration {
        guard let server = try? BaseURL("https://cluster.example:6443") else {
            throw KubernetesError(.configuration, "the fixture's URL")
        }
        return ClusterConfiguration(server: server, credential: credential)
    }

    /// The methods and paths of the requests.
    var lines: [String] { transport.exchanges.map(\.line) }

    /// Watches objects from version 1 until the server ends the watch.
    func watch<Object: KubernetesObject>(
        _ type: Object.Type,
        _ handle: @Sendable (WatchEvent<Object>) async throws -> Void = { _ in }
    ) async throws {
        let query = ListQuery(resource: type.resource, form: .whole, namespace: "n")
        try await client.watch(query, "1", .seconds(300), liveness: WatchLiveness(), opened: {}, handle)
    }

    /// Runs `work` while the clock advances whenever a task sleeps on it.
    func whileTimePasses<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await runWork(work) {
            if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(10)) }
            await Task.yield()
        }
    }

    /// The error of `work`, while the clock advances.
    func error(_ work: @escaping @Sendable () async throws -> some Sendable) async throws -> KubernetesError? {
        do {
            _ = try await whileTimePasses(work)
            return nil
        } catch let error as KubernetesError {
            return error
        }
    }
}

/// JSON as an API server writes it.
enum JSON {
    static func status(
        _ code: Int,
        _ reason: String,
        message: String = "preview-secret-name is wrong",
        details: String = "{}"
    ) -> String {
        #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","reason":"\#(reason)","#
            + #""details":\#(details),"code":\#(code)}"#
    }

    static func object(_ name: String, version: Int = 1, more: String = "") -> String {
        #"{"kind":"Pod","metadata":{"name":"\#(name)","uid":"u-\#(name)","resourceVersion":"\#(version)"\#(more)}}"#
    }

    static func list(_ names: [String], version: Int = 1, next: String? = nil) -> String {
        let items = names.map { object($0) }.joined(separator: ",")
        let token = next.map { #","continue":"\#($0)""# } ?? ""
        return #"{"kind":"List","metadata":{"resourceVersion":"\#(version)"\#(token)},"items":[\#(items)]}"#
    }

    static func frame(_ type: String, _ object: String) -> String {
        #"{"type":"\#(type)","object":\#(object)}"#
    }

    static let gone = frame("ERROR", status(410, "Expired"))
}
