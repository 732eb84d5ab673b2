public import CoreMetrics
internal import Synchronization

/// The metrics of a process, written in Prometheus' text format.
///
/// A backend of swift-metrics. Counters become counters, meters and plain recorders become gauges, and timers and aggregating
/// recorders become histograms; timers are written in seconds. There is no global state: code that records metrics gets the
/// registry as its factory.
public final class PrometheusRegistry: MetricsFactory {
    /// The maximum number of label combinations of a metric. Further ones are not stored, so that a label with unbounded values
    /// cannot use unbounded memory.
    public static let maxSeriesPerMetric = 1_000
    /// The upper bounds of the buckets of all histograms, in seconds. They range from a request on loopback to a human's
    /// decision.
    public static let buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    private let families = Mutex<[String: MetricFamily]>([:])
    private let help: [String: String]

    /// - Parameter help: The descriptions of metrics, one line each, by the metrics' names.
    public init(help: [String: String] = [:]) {
        self.help = help
    }

    /// All metrics in the text format, version 0.0.4, sorted by name and labels.
    public var text: String {
        let families = families.withLock { $0 }
        return families.keys.sorted().map { name in
            var text = ""
            if let help = help[name] { text += "# HELP \(name) \(PrometheusText.escapedHelp(help))\n" }
            if let family = families[name] { text += family.text(named: name) }
            return text
        }.joined()
    }

    /// The series with this name and these labels. It is created if it does not exist.
    private func series<Series: MetricSeries>(
        _ label: String,
        _ dimensions: [(String, String)],
        _ make: () -> Series
    ) -> Series {
        let name = PrometheusText.name(label)
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            var family = families[name] ?? MetricFamily(type: Series.type)
            if let known = family.series[labels] as? Series { return known }
            let series = make()
            // A series that is not stored still accepts values, but does not appear in the text.
            guard family.type == Series.type, family.series[labels] == nil,
                family.series.count < Self.maxSeriesPerMetric
            else { return series }
            family.series[labels] = series
            families[name] = family
            return series
        }
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) { CounterSeries() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { GaugeSeries() }
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return series(label, dimensions) { HistogramSeries(bounds: Self.buckets) } }
        return series(label, dimensions) { GaugeSeries() }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { HistogramSeries(bounds: Self.buckets) }
    }

    /// Series are never removed, because a counter that restarts at zero looks like a restart of the process.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
}

/// All series of a metric.
struct MetricFamily {
    let type: MetricType
    var series: [String: any MetricSeries] = [:]

    func text(named name: String) -> String {
        var text = "# TYPE \(name) \(type.rawValue)\n"
        for labels in series.keys.sorted() {
            text += series[labels]?.text(name: name, labels: labels) ?? ""
        }
        return text
    }
}
