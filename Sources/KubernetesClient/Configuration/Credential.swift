import Basics

/// What one request is sent with.
struct Credential: Hashable, Sendable {
    /// The value of the `Authorization` header field.
    var authorization: Secret?
    /// The certificate for the TLS handshake.
    var clientCertificate: ClientCertificate?
}
