#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The command's output.
struct Terminal: Sendable {
    /// The interval in which a long step reports its progress.
    private static let progressInterval: Duration = .seconds(2)

    /// Writes a line to standard output.
    func line(_ text: String = "") {
        // An error is ignored: the terminal may have been closed.
        _ = try? FileDescriptor.standardOutput.writeAll("\(text)\n".utf8)
    }

    /// Performs a step, and prints its result and duration.
    ///
    /// - Parameters:
    ///   - activity: The description for progress lines.
    ///   - clock: The clock that measures the duration.
    ///   - body: Performs the step, and returns the line to print and the result.
    @discardableResult
    func step<Result: Sendable>(
        _ activity: String,
        clock: ContinuousClock = ContinuousClock(),
        _ body: @escaping @Sendable () async throws -> (line: String, result: Result)
    ) async throws -> Result {
        let start = clock.now
        let (text, result) = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    try await clock.sleep(for: Self.progressInterval)
                    line("  … \(activity) (\((clock.now - start).components.seconds) s)")
                }
            }
            defer { group.cancelAll() }
            return try await body()
        }
        line("✓ \(text) (\((clock.now - start).milliseconds) ms)")
        return result
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int { Int((self / .milliseconds(1)).rounded()) }

    /// Milliseconds with one decimal.
    var roundedMilliseconds: Double { ((self / .milliseconds(1)) * 10).rounded() / 10 }
}
