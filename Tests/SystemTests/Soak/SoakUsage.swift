import Foundation

/// The resources that a replica's process uses over time.
struct SoakUsage: Sendable {
    /// The kernel's figures for one process at one moment.
    struct Sample: Sendable {
        let second: Double
        let residentMebibytes: Double
        let descriptors: Double
        let threads: Double
    }

    /// The allowed growth of each figure per minute, by least squares over the life of a replica. A leak with each
    /// request of the load exceeds it by far.
    static let limits: [(name: String, value: @Sendable (Sample) -> Double, perMinute: Double)] = [
        ("memory (MiB)", { $0.residentMebibytes }, 2),
        ("descriptors", { $0.descriptors }, 2),
        ("threads", { $0.threads }, 0.5),
    ]

    /// A total growth by this many does not count: thread pools and connection pools grow to their fixed size when they
    /// are needed.
    static let poolGrowth = 2.0

    /// Growth while the caches fill does not count.
    static let warmUpSeconds = 30.0
    /// A slope over a shorter time is noise.
    static let leastSeconds = 60.0

    private(set) var samples: [Sample] = []

    /// Reads the kernel's figures; `nil` if the process has ended.
    static func sample(of process: Int32, at second: Double) -> Sample? {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count,
            let resident = number(in: status, after: "VmRSS:"), let threads = number(in: status, after: "Threads:")
        else { return nil }
        return Sample(
            second: second,
            residentMebibytes: resident / 1024,
            descriptors: Double(descriptors),
            threads: threads
        )
    }

    private static func number(in status: String, after name: String) -> Double? {
        status.split(separator: "\n").first { $0.hasPrefix(name) }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    }

    mutating func add(_ sample: Sample) { samples.append(sample) }

    /// The growth of one figure per minute, by least squares, and the minutes in which it was measured; `nil` if there are
    /// too few samples.
    func growth(_ value: (Sample) -> Double) -> (perMinute: Double, minutes: Double)? {
        guard let first = samples.first else { return nil }
        let counted = samples.filter { $0.second >= first.second + Self.warmUpSeconds }
        guard let begin = counted.first, let end = counted.last, end.second - begin.second >= Self.leastSeconds else {
            return nil
        }
        let count = Double(counted.count)
        let meanTime = counted.map(\.second).reduce(0, +) / count
        let meanValue = counted.map(value).reduce(0, +) / count
        var (products, squares) = (0.0, 0.0)
        for sample in counted {
            products += (sample.second - meanTime) * (value(sample) - meanValue)
            squares += (sample.second - meanTime) * (sample.second - meanTime)
        }
        return squares == 0 ? nil : (products / squares * 60, (end.second - begin.second) / 60)
    }
}
