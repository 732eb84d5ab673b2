internal import FoundationEssentials

/// What an access token says about its user (RFC 7519, 4.1).
struct AccessTokenClaims: Decodable {
    /// How far the issuer's clock and this one may be apart.
    static let leeway: TimeInterval = 60

    /// The longest name of a user, in bytes.
    static let maxNameBytes = 256

    let issuer: String
    let audiences: [String]
    let subject: String
    let expiry: Double
    let notBefore: Double?
    /// The user's name on GitHub, where the issuer knows it.
    let login: String?

    private enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case audiences = "aud"
        case subject = "sub"
        case expiry = "exp"
        case notBefore = "nbf"
        case login = "gh_login"
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        issuer = try members.decode(String.self, forKey: .issuer)
        audiences = try members.decode(AudienceList.self, forKey: .audiences).values
        subject = try members.decode(String.self, forKey: .subject)
        expiry = try members.decode(Double.self, forKey: .expiry)
        notBefore = try members.decodeIfPresent(Double.self, forKey: .notBefore)
        login = try members.decodeIfPresent(String.self, forKey: .login)
    }

    /// Whether the token is meant for `audience`, comes from `issuer`, is valid `now`, and names a user.
    func hold(issuer: String, audience: String, now: Date) -> Bool {
        let seconds = now.timeIntervalSince1970
        return self.issuer == issuer && audiences.contains(audience)
            && seconds < expiry + Self.leeway
            && (notBefore.map { $0 - Self.leeway <= seconds } ?? true)
            && names.allSatisfy(Self.isName)
    }

    /// A name is shown to people and written into logs, so it is one line.
    private static func isName(_ text: String) -> Bool {
        (1...maxNameBytes).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// The names by which the user may be known.
    var names: Set<String> { login.map { [subject, $0] } ?? [subject] }
}

/// The claim `aud`: one text or a list of texts, also an empty one (RFC 7519, 4.1.3).
struct AudienceList: Decodable {
    let values: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            values = [one]
        } else {
            values = try container.decode([String].self)
        }
    }
}
