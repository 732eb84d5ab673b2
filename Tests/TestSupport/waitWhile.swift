/// Gives other tasks their turn for as long as a condition holds.
///
/// It also ends when the task is cancelled, which a suite's time limit does: a test that waits in vain fails and says where.
public func waitWhile(
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows {
    while !Task.isCancelled, try await condition() { await Task.yield() }
}
