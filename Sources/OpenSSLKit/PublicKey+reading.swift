import COpenSSL

extension PublicKey {
    /// The maximum size of a public exponent, in bytes. Exponents in use have three bytes; longer ones only slow verification
    /// down.
    public static let maxExponentBytes = 8
    /// The exact size of a coordinate of P-256, in bytes (RFC 7518 section 6.2.1.2).
    public static let coordinateBytes = 32
    /// The maximum size of a PEM text, in bytes.
    public static let maxPEMBytes = 64 * 1024

    /// Reads the first public key of a PEM text or, if there is none, the key of its first certificate.
    ///
    /// - Throws: ``PublicKeyError`` if there is neither, the key is not supported, or the text contains a private key.
    public init(pem: String) throws(PublicKeyError) {
        guard !pem.contains("PRIVATE KEY-----") else { throw .privateKey }
        guard let key = Self.readKey(pem) ?? Self.readCertificate(pem) else { throw .unreadable }
        try self.init(key)
    }

    /// Creates an RSA key (RFC 7518 section 6.3.1).
    ///
    /// - Parameters:
    ///   - modulus: The modulus, unsigned, most significant byte first.
    ///   - exponent: The exponent, in the same format.
    /// - Throws: ``PublicKeyError`` if the numbers are not a supported key.
    public init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(PublicKeyError) {
        let modulus = modulus.drop { $0 == 0 }
        // Bounds the size before the key is created. The numbers themselves are checked afterwards.
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

    /// Creates a P-256 key (RFC 7518 section 6.2.1).
    ///
    /// - Parameters:
    ///   - x: The first coordinate of the point, ``coordinateBytes`` long.
    ///   - y: The second coordinate, of the same length.
    /// - Throws: ``PublicKeyError`` if the coordinates are not a point on the curve.
    public init(p256X x: [UInt8], y: [UInt8]) throws(PublicKeyError) {
        guard x.count == Self.coordinateBytes, y.count == Self.coordinateBytes else { throw .unreadable }
        // 4 marks an uncompressed point (SEC 1, 2.3.3).
        try self.init(der: DER.publicKeyInfo(algorithm: Self.ecPublicKeyOnP256, key: [4] + x + y))
    }

    /// The AlgorithmIdentifier `rsaEncryption` with its NULL parameters (RFC 3279 section 2.3.1).
    private static let rsaEncryption: [UInt8] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]
    /// The AlgorithmIdentifier `id-ecPublicKey` with the curve `secp256r1` (RFC 5480 section 2.1.1).
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
        // libcrypto's error queue is per thread; an error would otherwise be reported by the next call on this thread.
        defer { ERR_clear_error() }
        return bytes.withUnsafeBytes { buffer in
            guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(source) }
            return read(source)
        }
    }
}

/// Returns no password. Without this callback, libcrypto asks for the password of an encrypted text on the terminal.
func noPassword(_: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?) -> Int32 {
    -1
}
