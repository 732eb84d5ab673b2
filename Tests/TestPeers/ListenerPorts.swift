import Synchronization

/// Ports for programs that must be told where to listen.
///
/// A free port that the kernel assigned can be taken by another connection before the program listens on it. These
/// ports are below the range from which the kernel assigns ports, and no two callers get the same one.
public enum ListenerPorts {
    private static let range = 20_000..<32_000
    private static let last = Mutex(Int.random(in: range))

    /// A port for which `isFree` returns true, or `nil` if there is none.
    public static func next(where isFree: (Int) -> Bool) -> Int? {
        for _ in range {
            let port = last.withLock { last in
                last = last + 1 < range.upperBound ? last + 1 : range.lowerBound
                return last
            }
            if isFree(port) { return port }
        }
        return nil
    }
}
