import COpenSSL

extension PublicKey {
    /// The most bytes of a public exponent. Every exponent in use has three; longer ones only slow verification down.
    public static let maxExponentBytes = 8
    /// How many bytes a coordinate of P-256 has, exactly (RFC 7518, 6.2.1.2).
    public static let coordinateBytes = 32
    /// The largest PEM text that is read, in bytes.
    public static let maxPEMBytes = 64 * 1024

    /// Reads the first public key of a PEM text, or else its first certificate, of which only the key is read.
    ///
    /// - Throws: ``PublicKeyError``.
    public init(pem: String) throws(PublicKeyError) {
        guard !pem.contains("PRIVATE KEY-----") else { throw .privateKey }
        guard let key = Self.readKey(pem) ?? Self.readCertificate(pem) else { throw .unreadable }
        try self.init(key)
    }

    /// Makes an RSA key (RFC 7518, 6.3.1).
    ///
    /// - Parameters:
    ///   - modulus: Unsigned, the most significant byte first.
    ///   - exponent: The same.
    /// - Throws: ``PublicKeyError``.
    public init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(PublicKeyError) {
        let modulus = modulus.drop { $0 == 0 }
        // The numbers are checked once they are a key. This only bounds how much is made one.
        guard modulus.count * 8 <= Self.rsaBits.upperBound, exponent.count <= Self.rsaBits.upperBound / 8 else {
            throw .unsupported
        }
        try self.init(
            der: DER.publicKeyInfo(
                algorithm: Self.rsaEncryption,
                key: DER.sequence(DER.integer(modulus), DER.integer(exponent))
            )
        )
    }

    /// Makes a P-256 key (RFC 7518, 6.2.1).
    ///
    /// - Parameters:
    ///   - x: The point's first coordinate, ``coordinateBytes`` long.
    ///   - y: The second one.
    /// - Throws: ``PublicKeyError``.
    public init(p256X x: [UInt8], y: [UInt8]) throws(PublicKeyError) {
        guard x.count == Self.coordinateBytes, y.count == Self.coordinateBytes else { throw .unreadable }
        // 4 stands for a point that is not compressed (SEC 1, 2.3.3).
        try self.init(der: DER.publicKeyInfo(algorithm: Self.ecPublicKeyOnP256, key: [4] + x + y))
    }

    /// `rsaEncryption` with its NULL (RFC 3279, 2.3.1).
    private static let rsaEncryption: [UInt8] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]
    /// `id-ecPublicKey` with the curve `secp256r1` (RFC 5480, 2.1.1).
    private static let ecPublicKeyOnP256: [UInt8] = [
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
        0x03,
        0x01, 0x07,
    ]

    private init(der: [UInt8]) throws(PublicKeyError) {
        defer { ERR_clear_error() }
        let key = der.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return d2i_PUBKEY(nil, &cursor, bytes.count)
        }
        guard let key else { throw .unreadable }
        try self.init(EVPKey(owning: key))
    }

    // MARK: PEM

    private static func readKey(_ pem: String) -> EVPKey? {
        reading(pem) { PEM_read_bio_PUBKEY($0, nil, noPassword, nil) }.map(EVPKey.init(owning:))
    }

    private static func readCertificate(_ pem: String) -> EVPKey? {
        guard let certificate = reading(pem, { PEM_read_bio_X509($0, nil, noPassword, nil) }) else { return nil }
        defer { X509_free(certificate) }
        return X509_get_pubkey(certificate).map(EVPKey.init(owning:))
    }

    private static func reading(_ pem: String, _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        let bytes = Array(pem.utf8)
        guard bytes.count <= maxPEMBytes else { return nil }
        // The queue is per thread and would otherwise blame the next user of libcrypto on this thread.
        defer { ERR_clear_error() }
        return bytes.withUnsafeBytes { buffer in
            guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(source) }
            return read(source)
        }
    }
}

/// Without this callback libcrypto asks at the terminal for the password of an encrypted text.
func noPassword(_: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?) -> Int32 {
    -1
}
