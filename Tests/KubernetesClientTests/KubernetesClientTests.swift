import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesClient
import KubernetesModel
import Synchronization
import TestSupport
import Testing

@Suite("KubernetesClient", .timeLimit(.minutes(10)))
struct KubernetesClientTests {
    @Test(
        "An invalid name never becomes a request to the collection or to another path",
        arguments: ["", ".", "..", "a/b", "../services/x", "a%2fb"]
    )
    func hostileNamesAreNotSent(name: String) async throws {
        let fixture = try ClientFixture()
        let error = try await fixture.error {
            try await fixture.client.delete(Pod.self, named: name, in: "n", preconditions: Preconditions(uid: "u"))
        }
        #expect(error?.kind == .rejected)
        let namespace = try await fixture.error { try await fixture.client.list(Pod.self, in: name) }
        #expect(namespace?.kind == .rejected)
        #expect(fixture.lines.isEmpty)
    }

    @Test("A request for one object of a namespaced kind needs a namespace")
    func missingNamespaceIsNotSent() async throws {
        let fixture = try ClientFixture()
        let get = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: nil) }
        let create = try await fixture.error {
            try await fixture.client.create(Pod(metadata: ObjectMeta(name: "p")), in: nil)
        }
        #expect(get?.kind == .rejected && create?.kind == .rejected)
        #expect(fixture.lines.isEmpty)
    }

    @Test("A create is sent again only if it cannot have taken effect", arguments: TransportError.Kind.allCases)
    func createIsRepeatedOnlyIfNotSent(kind: TransportError.Kind) async throws {
        let fixture = try ClientFixture(.failure(kind), .json(201, JSON.object("p")))
        let error = try await fixture.error {
            try await fixture.client.create(Pod(metadata: ObjectMeta(name: "p")), in: "n")
        }
        let mayRepeat = [.connect, .tls, .refused].contains(kind)
        #expect((error == nil) == mayRepeat)
        #expect(fixture.lines.count == (mayRepeat ? 2 : 1))
    }

    @Test("A read is repeated after every temporary failure", arguments: TransportError.Kind.allCases)
    func readIsRepeated(kind: TransportError.Kind) async throws {
        let fixture = try ClientFixture(.failure(kind), .json(JSON.object("p")))
        let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        let isTemporary = [.connect, .tls, .refused, .timedOut, .protocolViolation].contains(kind)
        #expect((error == nil) == isTemporary)
    }

    @Test(
        "503 without Retry-After, 500, 502 and 504 end a create, which may have taken effect",
        arguments: [500, 502, 503, 504]
    )
    func ambiguousResponsesEndACreate(code: Int) async throws {
        let fixture = try ClientFixture { _, _ in .json(code, "") }
        let error = try await fixture.error {
            try await fixture.client.create(Pod(metadata: ObjectMeta(name: "p")), in: "n")
        }
        #expect(error?.statusCode == code)
        #expect(fixture.lines.count == 1)
    }

    @Test("Attempts and time are both limited")
    func readsEndAtTheLimitOfAttemptsOrTime() async throws {
        let refused = try ClientFixture { _, _ in .failure(.connect) }
        let error = try await refused.error { try await refused.client.get(Pod.self, named: "p", in: "n") }
        #expect(error?.kind == .transport(.connect))
        #expect(refused.lines.count == RetryPolicy().maxAttempts)

        let limits = RequestLimits(attemptTimeout: .seconds(2), totalBudget: .seconds(5))
        let silent = try ClientFixture(limits: limits) { _, _ in .silence }
        let timeout = try await silent.error { try await silent.client.get(Pod.self, named: "p", in: "n") }
        #expect(timeout?.kind == .transport(.timedOut))
        for exchange in silent.transport.exchanges {
            #expect(exchange.time + (exchange.request.timeout ?? .seconds(100)) <= .seconds(5))
        }
    }

    @Test("No request lasts longer than its caller waits, and none is sent once the caller no longer waits")
    func noRequestLastsLongerThanItsCallerWaits() async throws {
        let left = Mutex<Duration?>(.seconds(9))
        let fixture = try ClientFixture(remainingTime: { left.withLock { $0 } }) { _, _ in .silence }
        let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(error?.kind == .transport(.timedOut))
        #expect(!fixture.transport.exchanges.isEmpty)
        for exchange in fixture.transport.exchanges {
            #expect(exchange.time + (exchange.request.timeout ?? .seconds(100)) <= .seconds(9))
        }
        left.withLock { $0 = .zero }
        let count = fixture.transport.exchanges.count
        let late = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(late?.kind == .transport(.timedOut))
        #expect(fixture.transport.exchanges.count == count)
    }

    @Test("Retry-After as a date is compared with the answer's own date")
    func retryAfterAsADateIsComparedWithTheDateOfTheResponse() async throws {
        let fixture = try ClientFixture(
            .json(
                429,
                "",
                ["Retry-After": "Sun, 06 Nov 1994 08:49:40 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"]
            ),
            .json(JSON.object("p"))
        )
        _ = try await fixture.whileTimePasses { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        #expect(fixture.transport.exchanges[1].time >= .seconds(3))
        #expect(fixture.transport.exchanges[1].time < .seconds(4))
    }

    @Test("A cancelled request ends as a cancellation, also while it pauses or waits for its turn")
    func aCancelledRequestEndsAsACancellation() async throws {
        let fixture = try ClientFixture { _, index in index == 0 ? .failure(.connect) : .silence }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<RequestLimits.maxConcurrentRequests + 8 {
                group.addTask {
                    do {
                        _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
            }
            await fixture.transport.waitForExchanges(RequestLimits.maxConcurrentRequests + 1)
            group.cancelAll()
            for await wasCancelled in group { #expect(wasCancelled) }
        }
    }

    @Test("A request that gets no slot within its budget ends as a time-out")
    func waitingIsPartOfTheBudget() async throws {
        let fixture = try ClientFixture { _, _ in .silence }
        let hurried = fixture.client.limited(to: RequestLimits(totalBudget: .seconds(1)))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<RequestLimits.maxConcurrentRequests {
                group.addTask { _ = try? await fixture.client.get(Pod.self, named: "p", in: "n") }
            }
            await fixture.transport.waitForExchanges(RequestLimits.maxConcurrentRequests)
            let error = try await fixture.error { try await hurried.get(Pod.self, named: "p", in: "n") }
            #expect(error?.kind == .transport(.timedOut))
            #expect(fixture.lines.count == RequestLimits.maxConcurrentRequests)
            group.cancelAll()
        }
    }

    @Test("Neither description nor dump of an error contains the server's message")
    func errorsDoNotContainTheServersMessage() async throws {
        let fixture = try ClientFixture(
            .json(409, JSON.status(409, "Conflict", message: "httproutes preview-swift-falcon is wrong")),
            .json(418, JSON.status(418, "preview-swift-falcon"))
        )
        for _ in 0..<2 {
            let error = try #require(
                try await fixture.error {
                    try await fixture.client.get(HTTPRoute.self, named: "preview-swift-falcon", in: "n")
                }
            )
            for text in printedForms(of: error) {
                #expect(!text.contains("swift-falcon"))
                #expect(!text.contains("t0ken"))
            }
            #expect("\(error)".contains("get httproutes"))
            #expect(error.sensitiveStatus?.message != nil)
        }
    }

    @Test("A response that cannot be decoded is reported without being quoted")
    func anUndecodableResponseIsReportedWithoutBeingQuoted() async throws {
        let fixture = try ClientFixture(.json(#"{"metadata":{"name":17,"secret":"preview-x"}}"#), .json("<html>"))
        for _ in 0..<2 {
            let error = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
            #expect(error?.kind == .decoding)
            #expect(error.map { "\($0)".contains("preview-x") } == false)
        }
    }

    @Test("The observer sees every attempt with its outcome")
    func observerSeesAttempts() async throws {
        let seen = Mutex<[RequestObservation]>([])
        let fixture = try ClientFixture(observer: { observation in seen.withLock { $0.append(observation) } }) {
            _,
            index in
            index == 0 ? .failure(.connect) : .json(JSON.object("p"))
        }
        _ = try await fixture.whileTimePasses { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        let observations = seen.withLock { $0 }
        #expect(observations.map(\.outcome) == ["transport_connect", "ok"])
        #expect(observations.map(\.statusCode) == [nil, 200])
        #expect(observations.allSatisfy { $0.verb == .get && $0.resource == "pods" })
    }

    @Test("Every request has a user agent and a token")
    func everyRequestHasAUserAgentAndAToken() async throws {
        let fixture = try ClientFixture(.json(JSON.object("p")))
        _ = try await fixture.client.get(Pod.self, named: "p", in: "n")
        let head = fixture.transport.exchanges[0].request.head
        #expect(head.headerFields[.authorization] == "Bearer t0ken")
        #expect(head.headerFields[.userAgent]?.hasPrefix("preview-gateway") == true)
        #expect(head.scheme == "https" && head.authority == "cluster.example:6443")
    }
}
