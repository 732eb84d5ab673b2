/// Assigns a separate loopback address, 127.x.y.z, to each pod.
///
/// Linux accepts connections on all of 127.0.0.0/8. Other systems accept them only on 127.0.0.1 until an alias is added.
package struct PodAddresses: Sendable {
    /// The maximum number of pods at a time.
    package static let capacity = 254

    private let prefix: String
    private var used: Set<Int> = []
    private var last = 0

    /// - Parameter seed: Selects the network, so that two development clusters on one machine rarely have the same addresses.
    package init(seed: Int) {
        // From 127.64.0.0 to 127.127.255.0, which excludes 127.0.0.1 and 127.0.0.53, where DNS resolvers listen.
        let network = UInt(bitPattern: seed) % 16_384
        prefix = "127.\(64 + network / 256).\(network % 256)."
    }

    /// Allocates a free address; `nil` if all are in use.
    ///
    /// Addresses are allocated in turn, so that a new pod does not get the address of one that has just ended.
    package mutating func allocate() -> String? {
        guard used.count < Self.capacity else { return nil }
        repeat { last = last % Self.capacity + 1 } while used.contains(last)
        used.insert(last)
        return prefix + String(last)
    }

    /// Releases an address.
    package mutating func release(_ address: String) {
        guard address.hasPrefix(prefix), let number = Int(address.dropFirst(prefix.count)) else { return }
        used.remove(number)
    }
}
