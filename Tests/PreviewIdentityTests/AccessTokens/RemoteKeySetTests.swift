import FoundationEssentials
import HTTPTransport
import HTTPTypes
import PreviewIdentity
import Synchronization
import TestPeers
import TestSupport
import Testing

/// An issuer with published keys, and the set that reads them.
private final class PublishedKeys: Sendable {
    let clock = ManualClock()
    let transport: ScriptedTransport
    let set: RemoteKeySet
    private let state: State

    private final class State: Sendable {
        let reply: Mutex<ScriptedTransport.Reply>

        init(_ reply: ScriptedTransport.Reply) {
            self.reply = Mutex(reply)
        }
    }

    init(_ keys: String...) throws {
        let state = State(Self.answer(keys))
        self.state = state
        transport = ScriptedTransport(clock: clock) { _, _ in state.reply.withLock { $0 } }
        set = RemoteKeySet(
            url: try #require(URL(string: "https://issuer.example.com:8443/oauth/jwks")),
            transport: transport,
            uptime: clock.uptime,
            logger: .silent
        )
    }

    var requests: Int { transport.exchanges.count }

    func publish(_ keys: String...) { reply(Self.answer(keys)) }
    func reply(_ reply: ScriptedTransport.Reply) { state.reply.withLock { $0 = reply } }
    func has(_ keyID: String) async throws -> Bool { try await set.key(named: keyID) != nil }

    private static func answer(_ keys: [String]) -> ScriptedTransport.Reply {
        .json(#"{"keys": [\#(keys.joined(separator: ", "))]}"#)
    }
}

@Suite("The issuer's published keys", .timeLimit(.minutes(10)))
struct RemoteKeySetTests {
    private let first = TokenSigner().webKey(named: "first")
    private let second = TokenSigner().webKey(named: "second")

    @Test func keysAreReadOnceAndKept() async throws {
        let keys = try PublishedKeys(first)
        for _ in 0..<5 { #expect(try await keys.has("first")) }
        #expect(keys.requests == 1)
        #expect(keys.transport.exchanges[0].line == "GET /oauth/jwks")
        #expect(keys.transport.exchanges[0].request.head.authority == "issuer.example.com:8443")
        #expect(keys.transport.exchanges[0].request.head.headerFields[.authorization] == nil)
    }

    @Test func anUnknownNameAsksAgainAtMostOnceAMinute() async throws {
        let keys = try PublishedKeys(first)
        #expect(try await keys.has("first"))
        keys.publish(first, second)
        #expect(try await !keys.has("second"))
        keys.clock.advance(by: .seconds(59))
        #expect(try await !keys.has("second"))
        #expect(keys.requests == 1)
        keys.clock.advance(by: .seconds(1))
        #expect(try await keys.has("second"))
        for _ in 0..<100 { #expect(try await !keys.has("third")) }
        #expect(keys.requests == 2)
    }

    @Test(
        arguments: [
            .failure(.connect), .json(500, "{}"), .json(404, "{}"), .json("no JSON"), .json("[]"), .json("{}"),
            .json(#"{"keys": 7}"#), .json(#"{"keys": [], "more": "\#(String(repeating: "x", count: 65_536))"}"#),
        ] as [ScriptedTransport.Reply]
    )
    func whenAskingFailsTheOldKeysStay(failure: ScriptedTransport.Reply) async throws {
        let keys = try PublishedKeys(first)
        #expect(try await keys.has("first"))
        keys.reply(failure)
        keys.clock.advance(by: .seconds(61))
        // The set cannot know whether the issuer has published this key, so it throws instead of reporting an unknown
        // key.
        await #expect(throws: AccessDenied.self) { try await keys.has("second") }
        #expect(keys.requests == 2)
        #expect(try await keys.has("first"))
        keys.publish(first, second)
        keys.clock.advance(by: .seconds(61))
        #expect(try await keys.has("second"))
    }

    @Test func aWithdrawnKeyIsForgottenAfterAWhile() async throws {
        let keys = try PublishedKeys(first, second)
        #expect(try await keys.has("first"))
        keys.publish(second)
        keys.clock.advance(by: RemoteKeySet.maxAge)
        _ = try await keys.has("first")
        await keys.transport.waitForExchanges(2)
        try await waitWhile { try await keys.has("first") }
        #expect(try await keys.has("second"))
        #expect(keys.requests == 2)
    }

    @Test func anIssuerThatWasNeverReachedIsAskedAgainSoon() async throws {
        let keys = try PublishedKeys(first)
        keys.reply(.failure(.connect))
        for _ in 0..<3 {
            let denied = await #expect(throws: AccessDenied.self) { try await keys.has("first") }
            #expect(denied?.kind == .unavailable)
            #expect(denied?.retryAfter == RemoteKeySet.firstLoadRetryInterval)
        }
        #expect(keys.requests == 1)
        keys.publish(first)
        keys.clock.advance(by: RemoteKeySet.firstLoadRetryInterval)
        #expect(try await keys.has("first"))
    }

    @Test func manyCallersShareOneRequestThatHasATimeLimit() async throws {
        let keys = try PublishedKeys(first)
        keys.reply(.silence)
        await withTaskGroup(of: AccessDenied.Kind?.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    do {
                        _ = try await keys.has("first")
                        return nil
                    } catch {
                        return (error as? AccessDenied)?.kind
                    }
                }
            }
            await keys.clock.waitForSleepers(1)
            keys.clock.advance(by: RemoteKeySet.timeout)
            for await kind in group { #expect(kind == .unavailable) }
        }
        #expect(keys.requests == 1)
    }

    @Test func unusableKeysAreSkipped() async throws {
        let keys = try PublishedKeys(
            #"{"kty": "oct", "kid": "a", "k": "AAAA"}"#,
            "7",
            "null",
            "{}",
            #"{"kty": "EC", "kid": 5}"#,
            #"{"kty": "RSA", "kid": "b", "n": "AQAB", "e": "AQAB"}"#,
            #"{"kty": "RSA", "kid": "c", "alg": "RS512"}"#,
            #"{"kty": "EC", "kid": "d", "crv": "P-256", "x": "AA", "y": "AA"}"#,
            first.replacing(#""use": "sig""#, with: #""use": "enc""#).replacing("first", with: "e"),
            first.replacing("ES256", with: "HS256").replacing("first", with: "f"),
            first.replacing("P-256", with: "P-384").replacing("first", with: "g"),
            first
        )
        for name in ["a", "b", "c", "d", "e", "f", "g"] { #expect(try await !keys.has(name)) }
        #expect(try await keys.has("first"))
    }
}
