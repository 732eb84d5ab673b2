import CoreMetrics
import Testing

@testable import PrometheusMetrics

@Suite("PrometheusRegistry", .timeLimit(.minutes(10)))
struct PrometheusRegistryTests {
    @Test func countersGaugesAndHistogramsAreWrittenInOrder() {
        let registry = PrometheusRegistry(help: ["b_total": "What b counts.", "c_seconds": "How long c takes."])
        Counter(label: "b_total", dimensions: [("z", "1"), ("a", "2")], factory: registry).increment(by: 3)
        Counter(label: "b_total", dimensions: [("a", "1"), ("z", "1")], factory: registry).increment()
        Meter(label: "a", factory: registry).set(-1.5)
        let timer = Timer(label: "c_seconds", factory: registry)
        timer.recordNanoseconds(5_000_000)
        timer.recordNanoseconds(5_000_001)
        timer.recordNanoseconds(301_000_000_000)
        let buckets =
            [("0.005", 1), ("0.01", 2), ("0.025", 2), ("0.05", 2), ("0.1", 2), ("0.25", 2), ("0.5", 2), ("1", 2)]
            + [("2.5", 2), ("5", 2), ("10", 2), ("30", 2), ("60", 2), ("300", 2), ("+Inf", 3)]
        #expect(
            registry.text == """
                # TYPE a gauge
                a -1.5
                # HELP b_total What b counts.
                # TYPE b_total counter
                b_total{a="1",z="1"} 1
                b_total{a="2",z="1"} 3
                # HELP c_seconds How long c takes.
                # TYPE c_seconds histogram

                """
                + buckets.map { "c_seconds_bucket{le=\"\($0.0)\"} \($0.1)\n" }.joined()
                + "c_seconds_sum 301.010000001\nc_seconds_count 3\n"
        )
    }

    @Test func theSameSeriesIsOneHoweverOftenItIsMade() {
        let registry = PrometheusRegistry()
        for _ in 0..<3 { Counter(label: "a", dimensions: [("k", "v")], factory: registry).increment() }
        #expect(registry.text == "# TYPE a counter\na{k=\"v\"} 3\n")
    }

    @Test func charactersThatTheFormatReservesAreEscaped() {
        let registry = PrometheusRegistry(help: ["_1_a_b": "one\\two\nthree"])
        Counter(label: "1-a.b", dimensions: [("k-1", "a\"b\\c\nd")], factory: registry).increment()
        #expect(
            registry.text == """
                # HELP _1_a_b one\\\\two\\nthree
                # TYPE _1_a_b counter
                _1_a_b{k_1="a\\"b\\\\c\\nd"} 1

                """
        )
    }

    @Test func aLabelWithEverNewValuesIsCutOff() {
        let registry = PrometheusRegistry()
        let most = PrometheusRegistry.maxSeriesPerMetric
        for number in 0..<(most + 10) {
            Counter(label: "a", dimensions: [("n", "\(number)")], factory: registry).increment()
        }
        #expect(registry.text.split(separator: "\n").count == most + 1)
    }

    @Test func aNameOfAnotherTypeIsNotMixedIn() {
        let registry = PrometheusRegistry()
        Counter(label: "a", factory: registry).increment()
        Meter(label: "a", dimensions: [("k", "v")], factory: registry).set(7)
        #expect(registry.text == "# TYPE a counter\na 1\n")
    }

    @Test(arguments: [(Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0.1, "0.1"), (1e6, "1000000")])
    func numbersAreWrittenAsTheFormatHasThem(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }
}
