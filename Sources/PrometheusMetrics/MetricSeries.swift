internal import CoreMetrics
internal import Synchronization

/// The metric types of the text format that the registry supports.
enum MetricType: String {
    case counter
    case gauge
    case histogram
}

/// The value of a metric for one combination of labels.
protocol MetricSeries: AnyObject, Sendable {
    static var type: MetricType { get }

    /// - Parameters:
    ///   - name: The metric's name.
    ///   - labels: The labels in the text format, without braces; empty for none.
    func text(name: String, labels: String) -> String
}

/// A value that only increases.
final class CounterSeries: MetricSeries, CounterHandler {
    static let type = MetricType.counter
    private let value = Atomic<Int64>(0)

    func increment(by amount: Int64) {
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        value.store(0, ordering: .relaxed)
    }

    func text(name: String, labels: String) -> String {
        PrometheusText.sample(name, labels, "\(value.load(ordering: .relaxed))")
    }
}

/// A value that can increase and decrease.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    static let type = MetricType.gauge
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func text(name: String, labels: String) -> String {
        PrometheusText.sample(name, labels, PrometheusText.number(value.withLock { $0 }))
    }
}

/// The distribution of values over buckets, and their sum.
final class HistogramSeries: MetricSeries, TimerHandler, RecorderHandler {
    static let type = MetricType.histogram

    private struct State {
        /// The count of each bucket. The last one is for values above all bounds.
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    /// - Parameter bounds: The upper bounds of the buckets, ascending. A value equal to a bound belongs to its bucket.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func text(name: String, labels: String) -> String {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        let prefix = labels.isEmpty ? "" : labels + ","
        var text = ""
        var total = 0
        for (count, bound) in zip(counts, bounds.map(PrometheusText.number) + ["+Inf"]) {
            total += count
            text += PrometheusText.sample("\(name)_bucket", "\(prefix)le=\"\(bound)\"", "\(total)")
        }
        text += PrometheusText.sample("\(name)_sum", labels, PrometheusText.number(sum))
        text += PrometheusText.sample("\(name)_count", labels, "\(total)")
        return text
    }
}
