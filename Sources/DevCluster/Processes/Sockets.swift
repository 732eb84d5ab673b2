#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Checks of TCP ports on loopback addresses.
package enum Sockets {
    /// The longest time for a connection attempt. On loopback it succeeds or is refused within microseconds.
    private static let connectLimitMilliseconds: Int32 = 250

    /// Whether a server accepts connections on an IPv4 or IPv6 address and port. Blocks for at most 250 ms.
    package static func accepts(address: String, port: Int) -> Bool {
        withSocket(address: address, port: port) { descriptor, socketAddress, length in
            guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { return false }
            if connect(descriptor, socketAddress, length) == 0 { return true }
            guard errno == EINPROGRESS else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, connectLimitMilliseconds) == 1 else { return false }
            var failure: Int32 = 0
            var failureLength = socklen_t(MemoryLayout<Int32>.size)
            return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &failureLength) == 0 && failure == 0
        } ?? false
    }

    /// Whether a server could listen on an IPv4 address and port now.
    package static func canListen(address: String, port: Int) -> Bool {
        freePort(address: address, wanted: port) != nil
    }

    /// Finds a port on an IPv4 address on which no server listens.
    ///
    /// - Parameter wanted: The port to try; 0 lets the system select one.
    /// - Returns: The port; `nil` if `wanted` is in use or not permitted. Another process may take the port afterwards.
    package static func freePort(address: String, wanted: Int = 0) -> Int? {
        let port: Int?? = withSocket(address: address, port: wanted) { descriptor, socketAddress, length in
            var reuse: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
            guard bind(descriptor, socketAddress, length) == 0, listen(descriptor, 1) == 0 else { return nil }
            var bound = sockaddr_in()
            var boundLength = socklen_t(MemoryLayout<sockaddr_in>.size)
            let failed = withUnsafeMutableBytes(of: &bound) { bytes in
                getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &boundLength)
            }
            return failed == 0 ? Int(UInt16(bigEndian: bound.sin_port)) : nil
        }
        return port ?? nil
    }

    /// - Parameter address: An IPv4 address, or an IPv6 address, which contains colons.
    private static func withSocket<Result>(
        address: String,
        port: Int,
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        guard let port = UInt16(exactly: port) else { return nil }
        var storage = sockaddr_storage()
        let family = address.contains(":") ? AF_INET6 : AF_INET
        let length: socklen_t? = withUnsafeMutablePointer(to: &storage) { pointer in
            if family == AF_INET6 {
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { socketAddress in
                    socketAddress.pointee.sin6_family = sa_family_t(AF_INET6)
                    socketAddress.pointee.sin6_port = port.bigEndian
                    let isValid = inet_pton(AF_INET6, address, &socketAddress.pointee.sin6_addr) == 1
                    return isValid ? socklen_t(MemoryLayout<sockaddr_in6>.size) : nil
                }
            } else {
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { socketAddress in
                    socketAddress.pointee.sin_family = sa_family_t(AF_INET)
                    socketAddress.pointee.sin_port = port.bigEndian
                    let isValid = inet_pton(AF_INET, address, &socketAddress.pointee.sin_addr) == 1
                    return isValid ? socklen_t(MemoryLayout<sockaddr_in>.size) : nil
                }
            }
        }
        guard let length else { return nil }
        #if canImport(Darwin)
            let descriptor = socket(family, SOCK_STREAM, 0)
        #else
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(descriptor, $0, length) }
        }
    }
}
