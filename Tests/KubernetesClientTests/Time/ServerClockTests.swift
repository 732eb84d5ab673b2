import Basics
import FoundationEssentials
import KubernetesModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite("ServerClock", .timeLimit(.minutes(10)))
struct ServerClockTests {
    @Test("The true time always lies in the interval, which narrows to about a round trip", arguments: 0..<40)
    func theTrueTimeLiesInTheInterval(seed: Int) throws {
        let random = SeededRandom(seed: UInt64(seed))
        let offset = 1_700_000_000 + random.unit() * 1000
        let drift = (random.unit() - 0.5) * 2 * ServerTimeBounds.maxDrift
        var bounds = ServerTimeBounds()
        var local = random.unit() * 100
        func server(_ local: Double) -> Double { offset + local * (1 + drift) }
        for _ in 0..<400 {
            local += random.unit() * 3
            let sent = local
            let answered = sent + random.unit() * 0.02
            let received = answered + random.unit() * 0.02
            bounds.observe(date: server(answered).rounded(.down), sent: sent, received: received)
            local = received
            let later = local + random.unit() * 600
            for moment in [local, later] {
                let range = try #require(bounds.range(at: moment))
                #expect(range.contains(server(moment)))
            }
        }
        let range = try #require(bounds.range(at: local))
        // Between two informative responses, the clocks may drift apart by some hundredths of a second.
        #expect(range.upperBound - range.lowerBound < 0.25)
    }

    @Test("Without a response nothing is known, and a response from before its request is ignored")
    func withoutAResponseTheTimeIsUnknown() {
        var bounds = ServerTimeBounds()
        #expect(bounds.range(at: 0) == nil)
        bounds.observe(date: 1000, sent: 10, received: 9)
        #expect(bounds.range(at: 10) == nil)
    }

    @Test("12: every response shows the time, errors too; a watch does not")
    func everyResponseExceptAWatchShowsTheTime() async throws {
        let date = ["Date": "Sun, 06 Nov 1994 08:49:37 GMT"]
        let watch = try ClientFixture(.response(status: 200, fields: date, body: []))
        try await watch.watch(Pod.self)
        #expect(watch.client.serverClock.reading() == nil)

        let fixture = try ClientFixture(.json(404, JSON.status(404, "NotFound"), date))
        _ = try await fixture.error { try await fixture.client.get(Pod.self, named: "p", in: "n") }
        let reading = try #require(fixture.client.serverClock.reading())
        #expect(reading.earliest == HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT"))
        #expect(reading.width == .seconds(1))
        fixture.clock.advance(by: .seconds(100))
        let later = try #require(fixture.client.serverClock.reading())
        #expect(abs(later.earliest.timeIntervalSince(reading.earliest) - 99.9) < 1e-3)
        #expect(abs(later.latest.timeIntervalSince(reading.latest) - 100.1) < 1e-3)
    }

    @Test("A handful of well-timed requests narrow a second down to little more than a round trip", arguments: 0..<40)
    func wellTimedRequestsNarrowTheIntervalToARoundTrip(seed: Int) async throws {
        let random = SeededRandom(seed: UInt64(seed))
        let offset = 784_111_777 + random.unit()
        let clock = ManualClock()
        let transport = ScriptedTransport(clock: clock) { _, _ in
            let server = offset + clock.uptime() / .seconds(1)
            let version = #"{"major":"1","minor":"32","gitVersion":"v1.32.1"}"#
            return .json(200, version, ["Date": HTTPDate.text(server)])
        }
        let client = KubernetesClient(configuration: try ClientFixture.configuration(), clock: clock) { _ in transport }
        let work = Task { try await client.narrowServerClock(to: .milliseconds(20), maxRequests: 8) }
        while transport.exchanges.count < 8, (client.serverClock.reading()?.width ?? .seconds(1)) > .milliseconds(20) {
            if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(1)) }
            await Task.yield()
        }
        try await work.value
        let reading = try #require(client.serverClock.reading())
        let truth = Date(timeIntervalSince1970: offset + clock.uptime() / .seconds(1))
        #expect(reading.earliest <= truth && truth <= reading.latest)
        #expect(reading.width < .milliseconds(25))
        #expect(transport.exchanges.count <= 8)
    }

    @Test("A clock's skew is the part that is certain")
    func theSkewOfAClockIsTheCertainPart() throws {
        let clock = ManualClock()
        let server = ServerClock(clock: clock)
        let date = Date(timeIntervalSince1970: 1000)
        #expect(server.skew(of: date) == nil)
        server.observe(date: date, sent: 0)
        #expect(server.skew(of: Date(timeIntervalSince1970: 1000.5)) == .zero)
        #expect(server.skew(of: Date(timeIntervalSince1970: 1601)) == .seconds(600))
        #expect(server.skew(of: Date(timeIntervalSince1970: 400)) == .seconds(-600))
    }
}
