import Basics
import FoundationEssentials
import TestSupport
import Testing

@Suite("RFC 3339", .timeLimit(.minutes(10))) struct RFC3339Tests {
    @Test(
        "Timestamps are read",
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-02T03:04:05Z", 1_767_323_045),
            ("2026-01-02T03:04:05.5Z", 1_767_323_045.5),
            ("2026-01-02T03:04:05.678Z", 1_767_323_045.678),
            ("2026-01-02T03:04:05.123456789Z", 1_767_323_045.123456789),
            ("2026-01-02T03:04:05.00000000000000000000000000000000000000009Z", 1_767_323_045),
            ("2026-01-02t03:04:05z", 1_767_323_045),
            ("2026-01-02T03:04:05+00:00", 1_767_323_045),
            ("2026-01-02T03:04:05-00:00", 1_767_323_045),
            ("2026-01-02T05:34:05+02:30", 1_767_323_045),
            ("2026-01-01T19:04:05-08:00", 1_767_323_045),
            ("2026-01-03T03:03:05+23:59", 1_767_323_045),
            ("2024-02-29T12:00:00Z", 1_709_208_000),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("1969-12-31T23:59:59.25Z", -0.75),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            // The leap second at the end of 2016, in UTC and in the examples of RFC 3339, section 5.8.
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("1990-12-31T23:59:60Z", 662_688_000),
            ("1990-12-31T15:59:60-08:00", 662_688_000),
        ] as [(String, Double)]
    )
    func timestampsAreRead(text: String, seconds: Double) throws {
        let date = try #require(RFC3339.date(text))
        // The precision of a date is some tenths of a microsecond.
        #expect(abs(date.timeIntervalSince1970 - seconds) < 1e-6)
    }

    @Test(
        "Other texts are refused",
        arguments: HostileTexts.all + [
            "2026-01-02", "2026-01-02T03:04Z", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "20260102T030405Z",
            "2026-1-2T03:04:05Z", "2026-01-02T3:04:05Z", "26-01-02T03:04:05Z", "02026-01-02T03:04:05Z",
            "+2026-01-02T03:04:05Z", "-2026-01-02T03:04:05Z", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z ",
            "2026-01-02T03:04:05Z\n", "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
            "2026-01-02T03:04:05.5", "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+2:00",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+02:60", "2026-01-02T03:04:05+02", "2026-01-02T03:04:05+02:00:00",
            "2026-01-02T03:04:05GMT",
            "2026-00-02T03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z",
            "2026-04-31T03:04:05Z", "2026-02-29T03:04:05Z", "1900-02-29T03:04:05Z", "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:05Z", "2026-01-02T03:04:61Z", "2026-01-02T03:04:60Z", "2026-01-02T23:59:60Z",
            "2016-12-31T23:59:60+01:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z", "٢٠٢٦-01-02T03:04:05Z", "２０２６-01-02T03:04:05Z", "2026-01-02T03:04:05\u{FF3A}",
            "2026-01-02T03:04:05.\(String(repeating: "0", count: 60))Z", "2026-01-02T03:04:05Z\0",
        ]
    )
    func otherTextsAreRefused(text: String) {
        #expect(RFC3339.date(text) == nil)
    }

    @Test(
        "Instants are written with milliseconds, rounded up",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_323_045.678, "2026-01-02T03:04:05.678Z"),
            (1_767_323_045.6781, "2026-01-02T03:04:05.679Z"),
            (1_767_323_045.9991, "2026-01-02T03:04:06.000Z"),
            (1_767_225_599.9999, "2026-01-01T00:00:00.000Z"),
            (-0.75, "1969-12-31T23:59:59.250Z"),
            (-62_135_596_800, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799.999, "9999-12-31T23:59:59.999Z"),
        ] as [(Double, String)]
    )
    func instantsAreWritten(seconds: Double, text: String) {
        #expect(RFC3339.string(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test(
        arguments: [
            (-.infinity, "0001-01-01T00:00:00.000Z"), (-1e300, "0001-01-01T00:00:00.000Z"),
            (.nan, "0001-01-01T00:00:00.000Z"), (1e300, "9999-12-31T23:59:59.999Z"),
            (.infinity, "9999-12-31T23:59:59.999Z"),
        ] as [(Double, String)]
    )
    func instantsBeyondTheCalendarBecomeItsEnds(seconds: Double, text: String) {
        let date = Date(timeIntervalSinceReferenceDate: seconds)
        #expect(RFC3339.string(date) == text)
        let start = text.prefix(19)
        #expect(RFC3339.seconds(date) == "\(start)Z")
    }

    @Test func instantsReadBackAreNeverEarlierAndLessThanAMillisecondLater() throws {
        let random = SeededRandom(seed: 11)
        for index in 0..<20_000 {
            // In most cases a year of this century, sometimes any supported year.
            let seconds =
                index.isMultiple(of: 4)
                ? random.unit() * 315_537_897_599 - 62_135_596_800 : random.unit() * 4_102_444_800
            let date = Date(timeIntervalSince1970: seconds)
            let text = RFC3339.string(date)
            let readBack = try #require(RFC3339.date(text), "\(text)")
            #expect(readBack >= date)
            // Far from 2001, the precision of a date is only some microseconds.
            #expect(readBack.timeIntervalSince(date) < 0.001 + 1e-4)
            #expect(RFC3339.string(readBack) == text)
        }
    }

    @Test func theCalendarAgreesWithFoundations() throws {
        let random = SeededRandom(seed: 12)
        for _ in 0..<5_000 {
            let seconds = (random.unit() * 315_537_897_599).rounded(.down) - 62_135_596_800
            let date = Date(timeIntervalSince1970: seconds)
            let text = RFC3339.string(date)
            // Foundation's calendar is Julian before October 1582, that of RFC 3339 is not.
            guard text >= "1583" else { continue }
            #expect(
                text
                    == date.formatted(
                        .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(
                            separator: .omitted
                        )
                    )
            )
            #expect(RFC3339.date(text) == date)
        }
    }

    @Test func everyDayOfFourCenturiesFollowsTheOneBefore() throws {
        var date = try #require(RFC3339.date("1999-12-31T00:00:00Z"))
        var previous = RFC3339.string(date)
        var leapDays = 0
        for _ in 0..<146_097 {
            date = date.addingTimeInterval(86_400)
            let text = RFC3339.string(date)
            #expect(text > previous)
            if text.dropFirst(4).hasPrefix("-02-29") { leapDays += 1 }
            previous = text
        }
        #expect(previous == "2399-12-31T00:00:00.000Z")
        #expect(leapDays == 97)
    }

    @Test("Whole seconds are printed without the fraction")
    func printingRemovesFractionsOrKeepsMicroseconds() {
        let date = Date(timeIntervalSince1970: 1_795_482_123.25)
        #expect(RFC3339.seconds(date) == "2026-11-24T01:02:03Z")
        #expect(RFC3339.seconds(Date(timeIntervalSince1970: -0.5)) == "1969-12-31T23:59:59Z")
        #expect(RFC3339.seconds(Date(timeIntervalSince1970: 1e300)) == "9999-12-31T23:59:59Z")
    }

    @Test("Every printed second is read back, on days of four centuries")
    func everyPrintedMicrosecondIsReadBack() throws {
        let random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let microseconds = Double(random.next() % 12_622_780_800_000_000) / 1_000_000 - 2_208_988_800
            let date = Date(timeIntervalSince1970: microseconds)
            let seconds = try #require(RFC3339.date(RFC3339.seconds(date)))
            #expect((-2e-6..<1.0).contains(date.timeIntervalSince(seconds)))
        }
    }
}
