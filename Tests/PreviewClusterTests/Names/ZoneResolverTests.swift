import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewCluster

/// Uses a name server on loopback.
@Suite("Looking up a preview's name", .timeLimit(.minutes(10)))
struct ZoneResolverTests {
    private static let zone = "previews.example.com"

    private static func withNames(
        _ answer: @escaping @Sendable (String, Bool) -> DNSPeer.Answer,
        _ body: @Sendable (ZoneResolver) async throws -> Void
    ) async throws {
        try await DNSPeer.run(zone: zone, answer) { peer in
            let server = ZoneResolver.Server(address: "127.0.0.1", port: peer.port)
            let clock = ContinuousClock()
            let origin = clock.now
            try await body(
                ZoneResolver(
                    try ZoneSuffix(zone),
                    resolvers: { [server] },
                    serverPort: peer.port,
                    uptime: { origin.duration(to: clock.now) }
                )
            )
        }
    }

    @Test func onlyTheServersOfTheZoneAreQueried() async throws {
        try await Self.withNames({ name, isRecursive in
            isRecursive ? .silence : name == "a.\(Self.zone)" ? .address("192.0.2.7") : .absent
        }) { names in
            #expect(await names.lookUp("a.\(Self.zone)") == .found("192.0.2.7"))
            #expect(await names.lookUp("b.\(Self.zone)") == .absent)
        }
    }

    @Test func theTargetOfAnAliasIsReturned() async throws {
        try await Self.withNames({ _, _ in .alias("lb.example.net") }) { names in
            #expect(await names.lookUp("a.\(Self.zone)") == .found("lb.example.net"))
        }
    }

    @Test(arguments: [DNSPeer.Answer.refused, .silence, .malformed])
    func withoutAValidResponseTheNameIsUnknown(answer: DNSPeer.Answer) async throws {
        try await Self.withNames({ _, _ in answer }) { names in
            #expect(await names.lookUp("a.\(Self.zone)") == .unknown)
            #expect(await !names.isAbsentLocally("a.\(Self.zone)"))
        }
    }

    @Test func theZonesServersAreLookedForAgainHoweverOftenNamesAreLookedUp() async throws {
        try await DNSPeer.run(zone: Self.zone, { _, isRecursive in isRecursive ? .silence : .address("192.0.2.7") }) {
            peer in
            let server = ZoneResolver.Server(address: "127.0.0.1", port: peer.port)
            let clock = ManualClock()
            let names = ZoneResolver(
                try ZoneSuffix(Self.zone),
                // The resolver does not answer at first.
                resolvers: { clock.uptime() == .zero ? [] : [server] },
                serverPort: peer.port,
                uptime: clock.uptime
            )
            #expect(await names.lookUp("a.\(Self.zone)") == .unknown)
            clock.advance(by: .seconds(20))
            #expect(await names.lookUp("a.\(Self.zone)") == .unknown)
            clock.advance(by: .seconds(20))
            #expect(await names.lookUp("a.\(Self.zone)") == .found("192.0.2.7"))
        }
    }

    @Test func theLocalResolverTellsAbsenceFromSilence() async throws {
        try await Self.withNames({ _, isRecursive in isRecursive ? .absent : .refused }) { names in
            #expect(await names.lookUp("a.\(Self.zone)") == .unknown)
            #expect(await names.isAbsentLocally("a.\(Self.zone)"))
        }
    }

    @Test func malformedAnswersAreIgnored() throws {
        let query = try #require(DNSMessage.query(id: 7, name: "a.example", type: .address, isRecursive: false))
        var answer = query
        answer[2] |= 0x84
        answer[7] = 1
        let pointer: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]
        let whole = answer + pointer
        let record = DNSMessage.Record(owner: "a.example", type: .address, value: "192.0.2.1")
        #expect(DNSMessage(whole, to: query)?.answers == [record])
        for length in 0..<whole.count { #expect(DNSMessage(Array(whole[..<length]), to: query) == nil) }
        // A name that points to itself.
        let loop: [UInt8] = [0xC0, UInt8(query.count), 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]
        #expect(DNSMessage(answer + loop, to: query) == nil)
        var other = whole
        other[1] = 8
        #expect(DNSMessage(other, to: query) == nil)
        let longLabel = String(repeating: "a", count: 64)
        #expect(DNSMessage.query(id: 1, name: longLabel, type: .address, isRecursive: false) == nil)
    }
}
