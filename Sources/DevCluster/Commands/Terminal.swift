#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// What the person at the terminal sees.
struct Terminal: Sendable {
    /// A step that takes longer says so, again and again.
    private static let patience: Duration = .seconds(2)

    private let write: @Sendable (String) -> Void

    /// - Parameter write: Takes text; standard output by default.
    init(
        write: @escaping @Sendable (String) -> Void = { text in
            // There is nobody to tell when the terminal has gone.
            _ = try? FileDescriptor.standardOutput.writeAll(text.utf8)
        }
    ) {
        self.write = write
    }

    /// Writes a line.
    func line(_ text: String = "") { write(text + "\n") }

    /// Runs a step and writes what it came to with the time that it took.
    ///
    /// - Parameters:
    ///   - activity: What is being done, for steps that take longer than two seconds.
    ///   - clock: Measures and waits.
    ///   - body: Does it, and returns the line to write and the result.
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
                    try await clock.sleep(for: Self.patience)
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
