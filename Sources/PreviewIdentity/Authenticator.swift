/// Tells who sent a request from the credentials that came with it.
public struct Authenticator: Sendable {
    private let serviceKey: ServiceKey
    private let serviceCaller: Caller

    /// - Parameters:
    ///   - serviceKey: The key that the platform's own callers present.
    ///   - serviceUser: The identity under which they act.
    public init(serviceKey: ServiceKey, serviceUser: String) {
        self.serviceKey = serviceKey
        serviceCaller = Caller(identity: serviceUser, role: .service)
    }

    /// - Parameter bearer: The token of an `Authorization: Bearer` header (RFC 6750).
    /// - Returns: `nil` when the token is nobody's.
    public func caller(presenting bearer: some StringProtocol) -> Caller? {
        serviceKey.matches(bearer) ? serviceCaller : nil
    }
}
