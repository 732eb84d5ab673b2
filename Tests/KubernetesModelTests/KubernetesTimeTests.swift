import FoundationEssentials
import KubernetesModel
import TestSupport
import Testing

@Suite("KubernetesTime and HTTPDate")
struct KubernetesTimeTests {
    @Test(
        "RFC 3339 with and without fraction and with any offset is one instant",
        arguments: [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2026-11-24T01:02:03Z", 1_795_482_123),
            ("2026-11-24T01:02:03.5Z", 1_795_482_123.5),
            ("2026-11-24T03:32:03+02:30", 1_795_482_123),
            ("2026-11-23T20:02:03-05:00", 1_795_482_123),
            ("2026-11-24t01:02:03.123456z", 1_795_482_123.123456),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("1969-12-31T23:59:59Z", -1),
        ]
    )
    func parses(text: String, seconds: Double) throws {
        let date = try #require(KubernetesTime.parse(text))
        #expect(abs(date.timeIntervalSince1970 - seconds) < 1e-6)
    }

    @Test(
        "What is no RFC 3339 time is refused",
        arguments: [
            "", "2026-11-24", "2026-11-24T01:02:03", "2026-11-24 01:02:03Z", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-24T24:00:00Z",
            "2026-11-24T23:60:00Z", "2026-11-24T23:59:60Z", "2026-11-24T01:02:03.Z", "2026-11-24T01:02:03Zx",
            "2026-11-24T01:02:03+0200", "2026-11-24T01:02:03+24:00", "+026-11-24T01:02:03Z", "٢٠٢٦-11-24T01:02:03Z",
            "2026-11-24T01:02:03Z\u{0}", "1900-02-29T00:00:00Z",
        ]
    )
    func refuses(text: String) {
        #expect(KubernetesTime.parse(text) == nil)
    }

    @Test("Printing cuts fractions to seconds, or keeps microseconds")
    func prints() {
        let date = Date(timeIntervalSince1970: 1_795_482_123.25)
        #expect(KubernetesTime.seconds(date) == "2026-11-24T01:02:03Z")
        #expect(KubernetesTime.microseconds(date) == "2026-11-24T01:02:03.250000Z")
        #expect(KubernetesTime.seconds(Date(timeIntervalSince1970: -0.5)) == "1969-12-31T23:59:59Z")
        #expect(KubernetesTime.seconds(Date(timeIntervalSince1970: 1e300)) == "9999-12-31T23:59:59Z")
    }

    @Test("Every printed microsecond is read back, on days of four centuries")
    func roundTrips() throws {
        let random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let microseconds = Double(random.next() % 12_622_780_800_000_000) / 1_000_000 - 2_208_988_800
            let date = Date(timeIntervalSince1970: microseconds)
            let parsed = try #require(KubernetesTime.parse(KubernetesTime.microseconds(date)))
            #expect(abs(parsed.timeIntervalSince(date)) < 2e-6)
            let seconds = try #require(KubernetesTime.parse(KubernetesTime.seconds(date)))
            #expect((-2e-6..<1.0).contains(date.timeIntervalSince(seconds)))
        }
    }

    @Test("An IMF-fixdate is read, any other format is not")
    func httpDates() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT")?.timeIntervalSince1970 == 784_111_777)
        for text in [
            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT", "", "Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            #expect(HTTPDate.parse(text) == nil, "\(text)")
        }
    }
}
