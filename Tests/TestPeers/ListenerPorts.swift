import Synchronization

/// Ports for programs that must be told where to listen.
///
/// A free port that the kernel names can be taken by any connection before the program listens there. These are below
/// the ports that the kernel gives out by itself, and no two callers get the same one.
public enum ListenerPorts {
    private static let range = 20_000..<32_000
    private static let last = Mutex(Int.random(in: range))

    /// A port that is `isFree`, or `nil` if none is.
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
