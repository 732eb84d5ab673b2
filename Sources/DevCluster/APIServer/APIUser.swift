/// A user of the API server.
package struct APIUser: Sendable, Hashable {
    package let name: String
    /// The groups. Members of ``administrators`` may do everything; every user also belongs to `system:authenticated`.
    package let groups: [String]
    /// The bearer token with which the user authenticates. A secret.
    package let token: String
    /// The audiences for which the token was issued. The API server accepts only tokens for ``apiServer``.
    package let audiences: [String]

    /// The audience of the API server.
    package static let apiServer = "https://kubernetes.default.svc"
    /// The group of all users that have authenticated.
    static let authenticated = "system:authenticated"
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
    /// The name, without the token.
    package var description: String { name }
}

extension APIUser: CustomDebugStringConvertible {
    package var debugDescription: String { name }
}
