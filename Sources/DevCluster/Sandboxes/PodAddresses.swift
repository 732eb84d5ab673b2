/// Gives each pod a loopback address of its own, 127.x.y.z.
///
/// Linux answers on all of 127.0.0.0/8 without set-up. Other systems answer on 127.0.0.1 alone until an alias is made.
package struct PodAddresses: Sendable {
    /// How many pods can run at once.
    package static let capacity = 254

    private let prefix: String
    private var used: Set<Int> = []
    private var last = 0

    /// - Parameter seed: Chooses the network, so that two development clusters on one machine rarely share addresses.
    package init(seed: Int) {
        // 127.64.0.0 to 127.127.255.0: away from 127.0.0.1 and from 127.0.0.53, where resolvers listen.
        let network = UInt(bitPattern: seed) % 16_384
        prefix = "127.\(64 + network / 256).\(network % 256)."
    }

    /// Takes a free address, or returns `nil` when all are in use.
    ///
    /// Addresses are given out in turn, so that a new pod does not meet what its predecessor left behind.
    package mutating func allocate() -> String? {
        guard used.count < Self.capacity else { return nil }
        repeat { last = last % Self.capacity + 1 } while used.contains(last)
        used.insert(last)
        return prefix + String(last)
    }

    /// Gives an address back.
    package mutating func release(_ address: String) {
        guard address.hasPrefix(prefix), let number = Int(address.dropFirst(prefix.count)) else { return }
        used.remove(number)
    }
}
