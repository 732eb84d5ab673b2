/// A group of figures that are measured together.
struct Benchmark: Sendable {
    let group: String
    let summary: String
    let run: @Sendable (Report) async throws -> Void

    /// Every group, in the order in which they run.
    static let all = [requests, start, keepalive, cached, curl, footprint, router, lag, burst, load, growth]
}
