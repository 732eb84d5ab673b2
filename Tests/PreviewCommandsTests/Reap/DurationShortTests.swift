import Testing

@testable import PreviewCommands

@Suite("Durations in tables", .timeLimit(.minutes(10)))
struct DurationShortTests {
    @Test(arguments: [
        (0, "0s"), (1, "1s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (3599, "59m59s"), (3600, "1h"), (3659, "1h"),
        (3660, "1h1m"), (86_399, "23h59m"), (86_400, "1d"), (90_061, "1d1h"), (-75, "-1m15s"),
    ])
    func aDurationShowsItsTwoLargestUnits(seconds: Int, text: String) {
        #expect(Duration.seconds(seconds).short == text)
    }

    @Test func aDurationIsRoundedTowardsZero() {
        #expect(Duration.milliseconds(1999).short == "1s")
        #expect(Duration.milliseconds(-999).short == "0s")
        #expect(Duration.milliseconds(-1999).short == "-1s")
    }
}
