/// The ASN.1 values in keys and signatures, in the Distinguished Encoding Rules (X.690).
enum DER {
    /// A non-negative INTEGER.
    ///
    /// - Parameter bytes: The number, most significant byte first. Leading zeros are ignored.
    static func integer(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var bytes = Array(bytes.drop { $0 == 0 })
        // The first bit is the sign.
        if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
        return value(tag: 0x02, bytes)
    }

    static func sequence(_ values: [UInt8]...) -> [UInt8] {
        value(tag: 0x30, values.flatMap(\.self))
    }

    /// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    ///
    /// - Parameters:
    ///   - algorithm: The encoded AlgorithmIdentifier.
    ///   - key: The key, in the encoding of its algorithm.
    static func publicKeyInfo(algorithm: [UInt8], key: [UInt8]) -> [UInt8] {
        // The first byte of a BIT STRING is the number of unused bits at its end.
        sequence(algorithm, value(tag: 0x03, [0] + key))
    }

    private static func value(tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count >= 0x80 else { return [UInt8(count)] }
        var bytes: [UInt8] = []
        var rest = count
        while rest > 0 {
            bytes.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(bytes.count)] + bytes
    }
}
