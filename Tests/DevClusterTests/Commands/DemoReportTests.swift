import Testing

@testable import DevCluster

@Suite("The demonstration's report", .timeLimit(.minutes(10)))
struct DemoReportTests {
    @Test func oneResultThatDoesNotHoldFailsTheWhole() throws {
        var report = DemoReport()
        report.note("page_status", 200, holds: true)
        #expect(report.holds)
        report.note("reaped", false, holds: false)
        #expect(!report.holds)
        #expect(report.json["ok"] == false)
        #expect(report.json["failed"] == ["reaped"])
        #expect(report.json["page_status"] == 200)
    }

    @Test func aFigureThatMissesItsTargetIsSaidAndFailsNothing() {
        var report = DemoReport()
        report.measure("start_ms", 25.04, target: 25)
        report.measure("rss_mb", 45.06, target: 45)
        report.measure("reap_lag_ms", 10, target: 2000)
        report.measure("not_measurable", nil, target: 1)
        #expect(report.holds)
        #expect(report.json["figures", "rss_mb", "met"] == false)
        #expect(report.json["figures", "reap_lag_ms", "met"] == true)
        #expect(report.json["figures", "not_measurable"] == nil)
        #expect(report.table.contains("missed"))
    }

    @Test func theReportIsOneLine() {
        var report = DemoReport()
        report.note("text", "two\nlines", holds: true)
        #expect(!report.json.description.contains("\n"))
    }
}
