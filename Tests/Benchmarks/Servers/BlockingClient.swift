import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A client on one connection that blocks, so that its figures contain no switch between threads.
final class BlockingClient {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    /// The number of bytes of the last ``read(atLeast:)``.
    private var lastCount = 0
    private var buffer = [UInt8](repeating: 0, count: 256 * 1_024)

    /// Connects to a port on 127.0.0.1.
    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var on: Int32 = 1
        guard result == 0,
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
        else {
            close(descriptor)
            throw Failure(description: "nobody listens at port \(port)")
        }
    }

    deinit { close(descriptor) }

    func send(_ request: String) throws {
        let bytes = Array(request.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(description: "the request could not be sent")
        }
    }

    /// Reads until this many bytes have arrived.
    ///
    /// - Returns: The first bytes, as text.
    @discardableResult
    func read(atLeast count: Int) throws -> String {
        var total = 0
        var first = ""
        while total < count {
            let got = recv(descriptor, &buffer, buffer.count, 0)
            guard got > 0 else { throw Failure(description: "the connection ended after \(total) bytes: \(first)") }
            if total == 0 { first = String(decoding: buffer[..<min(got, 4_096)], as: UTF8.self) }
            total += got
        }
        lastCount = total
        return first
    }

    /// Sends a request and reads the response.
    ///
    /// - Parameter bodyBytes: The length of the response's body.
    func get(_ path: String, bodyBytes: Int) throws {
        try send("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        let begin = try read(atLeast: 1)
        guard begin.hasPrefix("HTTP/1.1 200 "), let end = begin.firstRange(of: "\r\n\r\n")?.upperBound else {
            throw Failure(description: "the answer is \(begin.prefix(200))")
        }
        let rest = bodyBytes - lastCount + begin.utf8.distance(from: begin.startIndex, to: end)
        if rest > 0 { try read(atLeast: rest) }
    }
}
