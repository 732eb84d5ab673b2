import Testing

@testable import DevCluster

@Suite("The demonstration's report", .timeLimit(.minutes(10)))
struct DemoReportTests {
    @Test func oneResultThatDoesNotHoldFailsTheWhole() throws {
        var report = DemoReport()
        report.record("page_status", 200, isExpected: true)
        #expect(report.isSuccessful)
        report.record("reaped", false, isExpected: false)
        #expect(!report.isSuccessful)
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
        #expect(report.isSuccessful)
        #expect(report.json["figures", "rss_mb", "met"] == false)
        #expect(report.json["figures", "reap_lag_ms", "met"] == true)
        #expect(report.json["figures", "not_measurable"] == nil)
        #expect(report.table.contains("missed"))
    }

    @Test func theReportIsOneLine() {
        var report = DemoReport()
        report.record("text", "two\nlines", isExpected: true)
        #expect(!report.json.description.contains("\n"))
    }
}
