internal import Basics
internal import OpenSSLKit
internal import PreviewDomain

/// What a cache knows a bearer by, so that no memory holds the bearer longer than its request.
struct BearerDigest: Hashable, Sendable {
    private let bytes: [UInt8]

    /// - Parameter context: What the answer is about beside the bearer, for example a run.
    init(_ bearer: Secret, context: String = "") {
        // No bearer has a byte of zero, so no two pairs look alike.
        var message = Array(bearer.value.utf8)
        message.append(0)
        message.append(contentsOf: context.utf8)
        bytes = Digest.sha256(message)
    }

    /// Eight hexadecimal digits, as a name for a bearer whose user nobody here knows.
    var fingerprint: String { String(Digest.sha256Hex(bytes).prefix(8)) }
}
