import FoundationEssentials
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct DateDurationTests {
    @Test func durationsMoveDates() {
        let date = Samples.createdAt
        #expect(date + .milliseconds(1500) == date.addingTimeInterval(1.5))
        #expect(date - .seconds(60) == date.addingTimeInterval(-60))
        #expect(date + .seconds(-2) == date - .seconds(2))
        #expect(date + .zero == date)
    }

    @Test func datesTellTheirDistance() {
        let date = Samples.createdAt
        #expect((date + .seconds(90)).duration(since: date) == .seconds(90))
        #expect(date.duration(since: date + .milliseconds(250)) == .milliseconds(-250))
    }

    @Test(arguments: [1e300, -1e300, .infinity, -.infinity, .nan])
    func noDateOverflowsADuration(seconds: Double) {
        let far = Date(timeIntervalSinceReferenceDate: seconds)
        let tenThousandYears = Duration.seconds(10_000 * 366 * 86_400)
        let distance = far.duration(since: Samples.createdAt)
        #expect(distance == tenThousandYears || distance == .zero - tenThousandYears)
    }
}
