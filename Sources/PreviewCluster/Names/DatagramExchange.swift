internal import Dispatch

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// One question and its answer over UDP.
enum DatagramExchange {
    private static let maxResponseBytes = 4096
    /// Blocking calls have a queue of their own; each ends by its time limit, and few run at once, as probes are few.
    private static let queue = DispatchQueue(label: "datagrams", attributes: .concurrent)

    /// Sends a datagram and waits for one that `read` accepts.
    ///
    /// - Parameter limitMilliseconds: How long to wait.
    /// - Returns: What `read` made of the answer; `nil` where none came in time.
    static func send<Response: Sendable>(
        _ bytes: [UInt8],
        to server: ZoneResolver.Server,
        limitMilliseconds: Int32,
        read: @escaping @Sendable ([UInt8]) -> Response?
    ) async -> Response? {
        await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: exchange(bytes, with: server, limitMilliseconds, read))
            }
        }
    }

    private static func exchange<Response>(
        _ bytes: [UInt8],
        with server: ZoneResolver.Server,
        _ limitMilliseconds: Int32,
        _ read: ([UInt8]) -> Response?
    ) -> Response? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_DGRAM
        #else
            hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(server.address, String(server.port), &hints, &found) == 0, let address = found else {
            return nil
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.pointee.ai_family, hints.ai_socktype, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Connected, so that the kernel drops what others send.
        guard connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            write(descriptor, bytes) == bytes.count
        else { return nil }
        let end = ContinuousClock.now + .milliseconds(Int(limitMilliseconds))
        var buffer = [UInt8](repeating: 0, count: maxResponseBytes)
        while true {
            let (seconds, attoseconds) = (end - .now).components
            let left = seconds * 1000 + attoseconds / 1_000_000_000_000_000
            guard left > 0 else { return nil }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Int32(left)) == 1 else { return nil }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { return nil }
            if let response = read(Array(buffer[..<count])) { return response }
        }
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { sendto(descriptor, $0.baseAddress, $0.count, 0, nil, 0) }
    }
}
