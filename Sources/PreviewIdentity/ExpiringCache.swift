internal import Basics
internal import OpenSSLKit
internal import Synchronization

/// A cache whose entries expire.
///
/// Its size is bounded by two generations: when the younger one is full it becomes the older one, whose previous
/// entries are discarded. Therefore an entry may be discarded early, and none is kept too long.
final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let value: Value
        let expiresAt: Duration
    }

    private struct State {
        var young: [Key: Entry] = [:]
        var old: [Key: Entry] = [:]
    }

    private let maxEntries: Int
    private let uptime: @Sendable () -> Duration
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maxEntries: The largest number of entries, at least 2.
    ///   - uptime: The time since some fixed instant.
    init(maxEntries: Int, uptime: @escaping @Sendable () -> Duration) {
        precondition(maxEntries >= 2, "a cache has two halves")
        self.maxEntries = maxEntries
        self.uptime = uptime
    }

    subscript(key: Key) -> Value? {
        let now = uptime()
        return state.withLock { state in
            guard let entry = state.young[key] ?? state.old[key], now < entry.expiresAt else { return nil }
            return entry.value
        }
    }

    func insert(_ value: Value, for key: Key, lifetime: Duration) {
        let entry = Entry(value: value, expiresAt: uptime() + lifetime)
        state.withLock { state in
            if state.young[key] == nil, state.young.count >= maxEntries / 2 {
                state.old = state.young
                state.young = [:]
            }
            state.young[key] = entry
        }
    }

    func remove(_ key: Key) {
        state.withLock { state in
            state.young[key] = nil
            state.old[key] = nil
        }
    }

    var count: Int { state.withLock { $0.young.count + $0.old.count } }
}

/// The key of a bearer token in caches, so that no memory holds the token longer than its request.
struct BearerDigest: Hashable, Sendable {
    private let bytes: [UInt8]

    /// - Parameter context: A further part of the key, for example a run.
    init(_ bearer: Secret, context: String = "") {
        // A bearer token contains no zero byte, so different pairs have different keys.
        var message = Array(bearer.value.utf8)
        message.append(0)
        message.append(contentsOf: context.utf8)
        bytes = Digest.sha256(message)
    }

    /// Eight hexadecimal digits, as a name for a bearer token whose user is not known here.
    var fingerprint: String { String(Digest.sha256Hex(bytes).prefix(8)) }
}
