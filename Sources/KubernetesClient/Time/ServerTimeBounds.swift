/// What is known about the difference between the server's clock and a local monotonic one.
///
/// A value, without a clock of its own: all times are passed in. An answer with the `Date` d, of which the request was
/// sent at local time s and whose head was received at r, was made at some local time in s...r, when the server's clock
/// showed something in d..<d+1, since the header has whole seconds. So the offset (server's time less local time) lies
/// between d − r and d + 1 − s. Each answer gives such an interval; the truth is in all of them.
public struct ServerTimeBounds: Hashable, Sendable {
    /// How far the two clocks may run apart, as a fraction: 200 parts per million, twice what a bad crystal does.
    public static let maxDrift = 200e-6
    /// The resolution of the `Date` header in seconds.
    public static let headerResolution = 1.0

    private struct Interval: Hashable {
        var lower: Double
        var upper: Double
        /// The local time for which the interval holds; it widens from there.
        var observedAt: Double

        func aged(to local: Double) -> Interval {
            let drift = max(0, local - observedAt) * ServerTimeBounds.maxDrift
            return Interval(lower: lower - drift, upper: upper + drift, observedAt: max(local, observedAt))
        }
    }

    private var interval: Interval?

    public init() {}

    /// Takes an answer into account.
    ///
    /// An answer that contradicts what was known replaces it: the server's clock was set, or another server answers now.
    ///
    /// - Parameters:
    ///   - date: The `Date` header in seconds since 1970.
    ///   - sent: The local time in seconds before the request was sent.
    ///   - received: The local time in seconds after the answer's head arrived.
    public mutating func observe(date: Double, sent: Double, received: Double) {
        guard received >= sent else { return }
        let measured = Interval(
            lower: date - received,
            upper: date + Self.headerResolution - sent,
            observedAt: received
        )
        guard let known = interval?.aged(to: received) else {
            interval = measured
            return
        }
        let lower = max(known.lower, measured.lower)
        let upper = min(known.upper, measured.upper)
        interval =
            lower <= upper
            ? Interval(lower: lower, upper: upper, observedAt: known.observedAt) : measured
    }

    /// How long to wait from `local` on, in seconds, before a request is sent whose answer tells most.
    ///
    /// Where the truth is in the middle of the interval, the server's clock then shows a full second. So whichever of
    /// the two seconds the answer names, it rules out half of the interval.
    public func pauseBeforeInformativeRequest(at local: Double) -> Double {
        guard let range = range(at: local) else { return 0 }
        let middle = (range.lowerBound + range.upperBound) / 2
        return middle.rounded(.up) - middle
    }

    /// The server's time, in seconds since 1970, at the local time `local`; `nil` before the first answer.
    public func range(at local: Double) -> ClosedRange<Double>? {
        guard let now = interval?.aged(to: local) else { return nil }
        return local + now.lower...local + now.upper
    }
}
