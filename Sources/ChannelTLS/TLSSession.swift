internal import COpenSSL
internal import NIOCore

/// One side of a TLS connection: libssl between the bytes of the connection and the application's data.
///
/// It is confined to one event loop.
final class TLSSession {
    /// The result of one step.
    enum Status {
        case done
        /// The step continues when more bytes have arrived.
        case needsInput
        /// The peer has sent the alert `close_notify`.
        case ended
        case failed(TLSFailure)
    }

    let pointer: OpaquePointer
    /// Bytes from the connection that libssl has not read.
    private var received = ByteBuffer()
    /// Bytes for the connection.
    private var toSend = ByteBuffer()

    /// A client's session.
    ///
    /// - Parameter host: The DNS name or IP address for which the server's certificate must be valid.
    convenience init(client: TLSClientContext, host: String) throws(TLSFailure) {
        try self.init(client.pointer)
        SSL_set_connect_state(pointer)
        try verify(host)
    }

    /// A server's session.
    convenience init(server: TLSServerContext) throws(TLSFailure) {
        try self.init(server.pointer)
        SSL_set_accept_state(pointer)
    }

    private init(_ context: OpaquePointer) throws(TLSFailure) {
        ERR_clear_error()
        guard let method = Self.bufferMethod, let pointer = SSL_new(context) else {
            throw .unusable(detail: lastReason())
        }
        guard let buffers = BIO_new(method) else {
            SSL_free(pointer)
            throw .unusable(detail: lastReason())
        }
        self.pointer = pointer
        // libssl owns `buffers`, which it uses only in calls by this object.
        BIO_set_data(buffers, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(buffers, 1)
        SSL_set_bio(pointer, buffers, buffers)
    }

    deinit { SSL_free(pointer) }

    var isClient: Bool { SSL_is_server(pointer) == 0 }

    // MARK: Steps

    /// Continues the handshake.
    func handshake() -> Status {
        ERR_clear_error()
        let result = SSL_do_handshake(pointer)
        return status(of: result) { handshakeFailure() }
    }

    /// Decrypts everything that has arrived, and appends it to `data`. The result is never ``Status/done``.
    func read(into data: inout ByteBuffer) -> Status {
        while true {
            ERR_clear_error()
            var result: Int32 = 0
            // After a part of a record, the size of its rest is known.
            let minimum = max(Int(SSL_pending(pointer)), 1)
            data.writeWithUnsafeMutableBytes(minimumWritableBytes: minimum) { buffer in
                var count = 0
                result = SSL_read_ex(pointer, buffer.baseAddress, buffer.count, &count)
                return result == 1 ? count : 0
            }
            switch status(of: result, failure: { .protocolViolation(detail: lastReason()) }) {
            case .done: continue
            case let status: return status
            }
        }
    }

    /// Encrypts all of `data`, or nothing.
    func write(_ data: ByteBuffer) -> Status {
        guard data.readableBytes > 0 else { return .done }
        toSend.reserveCapacity(
            minimumWritableBytes: data.readableBytes + (data.readableBytes / Self.recordBytes + 1) * Self.overheadBytes
        )
        ERR_clear_error()
        let result = data.withUnsafeReadableBytes { buffer in
            var count = 0
            return SSL_write_ex(pointer, buffer.baseAddress, buffer.count, &count)
        }
        return status(of: result) { .protocolViolation(detail: lastReason()) }
    }

    /// Sends the alert `close_notify` (RFC 8446, 6.1). Reading can continue.
    func endWriting() {
        ERR_clear_error()
        _ = SSL_shutdown(pointer)
        ERR_clear_error()
    }

    private func status(of result: Int32, failure: () -> TLSFailure) -> Status {
        guard result != 1 else { return .done }
        return switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: .needsInput
        case SSL_ERROR_ZERO_RETURN: .ended
        default: .failed(failure())
        }
    }

    private func handshakeFailure() -> TLSFailure {
        guard copenssl_reason(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED else {
            return .handshake(.other, detail: lastReason())
        }
        ERR_clear_error()
        let result = SSL_get_verify_result(pointer)
        let reason: TLSFailure.Handshake =
            switch Int32(result) {
            case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .expired
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongName
            default: .untrusted
            }
        return .handshake(reason, detail: String(cString: X509_verify_cert_error_string(result)))
    }

    // MARK: The server's name

    private func verify(_ host: String) throws(TLSFailure) {
        // The final dot of an absolute name is part of neither the certificate nor the handshake (RFC 6066, 3).
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        // libssl verifies no name if the name is empty, any subdomain if it begins with a dot, and a part if it contains a zero.
        guard !name.isEmpty, !name.hasPrefix("."), !name.utf8.contains(0) else {
            throw .unusable(detail: "the name of the host is invalid")
        }
        let isAddress = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(pointer), name) == 1
        ERR_clear_error()
        guard !isAddress else { return }
        SSL_set_hostflags(pointer, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard SSL_set1_host(pointer, name) == 1, copenssl_set_server_name(pointer, name) == 1 else {
            throw .unusable(detail: lastReason())
        }
    }

    // MARK: The bytes of the connection

    /// The maximum plaintext of a record, in bytes (RFC 8446, 5.1).
    static let recordBytes = 16 * 1024
    /// More than a record's header, nonce, padding and tag need, in bytes.
    private static let overheadBytes = 128

    /// The number of bytes that have arrived and that libssl has not read.
    var receivedBytes: Int { received.readableBytes }

    /// Adds bytes that have arrived.
    func receive(_ bytes: ByteBuffer) {
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.writeImmutableBuffer(bytes)
        }
    }

    /// Removes the bytes that are to be sent.
    func takeBytesToSend() -> ByteBuffer {
        defer { toSend = ByteBuffer() }
        return toSend
    }

    /// The functions by which libssl reads and writes the buffers of a session.
    ///
    /// Memory BIOs of libcrypto would copy all bytes once more, and would keep their largest size.
    ///
    /// `nonisolated(unsafe)`: the functions are not changed after their creation.
    nonisolated(unsafe) private static let bufferMethod: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel") else { return nil }
        BIO_meth_set_read(method) { bio, bytes, count in
            copenssl_clear_retry(bio)
            let session = Unmanaged<TLSSession>.fromOpaque(BIO_get_data(bio)).takeUnretainedValue()
            let space = UnsafeMutableRawBufferPointer(start: bytes, count: Int(count))
            let moved = session.moveReceived(to: space)
            guard moved > 0 else {
                copenssl_set_retry_read(bio)
                return -1
            }
            return Int32(moved)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            copenssl_clear_retry(bio)
            let session = Unmanaged<TLSSession>.fromOpaque(BIO_get_data(bio)).takeUnretainedValue()
            session.toSend.writeBytes(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // There is nothing to flush, and libssl needs no other command.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return method
    }()

    private func moveReceived(to space: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(received.readableBytes, space.count)
        received.readWithUnsafeReadableBytes { bytes in
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
            return count
        }
        // The channel can use the storage for its next read.
        if received.readableBytes == 0 { received = ByteBuffer() }
        return count
    }
}
