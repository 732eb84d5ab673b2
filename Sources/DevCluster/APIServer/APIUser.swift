/// Somebody who may speak to the API server.
package struct APIUser: Sendable, Hashable {
    package let name: String
    /// The groups; ``administrators`` may do everything. Every user is in `system:authenticated` too.
    package let groups: [String]
    /// The bearer token by which the server knows the user. A secret.
    package let token: String
    /// Whom the token was issued for; only one for ``apiServer`` opens the API server itself.
    package let audiences: [String]

    /// The audience of the API server.
    package static let apiServer = "https://kubernetes.default.svc"
    /// The group whose members may do everything.
    package static let administrators = "system:masters"

    package init(name: String, groups: [String] = [], token: String, audiences: [String] = [apiServer]) {
        self.name = name
        self.groups = groups
        self.token = token
        self.audiences = audiences
    }
}

extension APIUser: CustomStringConvertible {
    /// The user without the token.
    package var description: String { name }
}

extension APIUser: CustomDebugStringConvertible {
    package var debugDescription: String { name }
}
