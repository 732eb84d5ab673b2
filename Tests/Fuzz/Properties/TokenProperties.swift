import Basics
import FoundationEssentials
import PreviewDomain

@testable import PreviewIdentity

/// Of all bearers, only the service key and the two genuine tokens belong to a caller.
enum TokenProperties {
    /// Reads the bytes as a token, and as the three parts of one on separate lines: header, claims and signature. A
    /// change in one of these parts is then not lost in its base64.
    static func check(_ bytes: [UInt8]) async throws {
        try await check(String(decoding: bytes, as: UTF8.self))
        let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
        if parts.count == 3 { try await check(parts.map { FuzzKeys.base64URL($0) }.joined(separator: ".")) }
    }

    private static func check(_ text: String) async throws {
        try checkFormat(of: text)
        let isServiceKey = text.utf8.elementsEqual(FuzzKeys.serviceKey.utf8)
        let authenticator = try await FuzzKeys.authenticator.value
        let caller: Caller
        do throws(AccessDenied) {
            caller = try await authenticator.caller(presenting: Secret(text))
        } catch {
            try require(error.kind == .unauthenticated, "a bad credential is a 401")
            try require(!isServiceKey && !FuzzKeys.genuine.contains(text), "good credentials are believed")
            return
        }
        switch caller.role {
        case .service: try require(isServiceKey, "only the key itself is the key")
        case .user:
            try require(isGenuine(text) && caller.identity == FuzzKeys.subject, "only what was signed is believed")
        case .operator, .unverified: throw BrokenProperty(description: "nobody is an operator here")
        }
    }

    /// Whether it is a genuine token, possibly with its signature in another encoding of the same bits.
    private static func isGenuine(_ text: String) -> Bool {
        FuzzKeys.genuine.contains { $0.utf8.dropLast(1).elementsEqual(text.utf8.dropLast(1)) }
    }

    private static func checkFormat(of text: String) throws {
        if let account = ServiceAccount(text) {
            try require(account.userName.utf8.elementsEqual(text.utf8), "an account's name stays as it is")
            try require(text.split(separator: ":").count == 4, "an account's name has four parts")
        }
        guard let token = JSONWebToken(text) else { return }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        try require(parts.count == 3, "a token has three parts")
        try require(token.signingInput.elementsEqual(parts[0] + [UInt8(ascii: ".")] + parts[1]), "all of it is signed")
        guard let claims = token.claims(AccessTokenClaims.self),
            claims.areValid(issuer: FuzzKeys.issuer, audience: FuzzKeys.audience, now: FuzzKeys.now)
        else { return }
        let now = FuzzKeys.now.timeIntervalSince1970
        try require(claims.issuer.utf8.elementsEqual(FuzzKeys.issuer.utf8), "the issuer is the right one")
        try require(claims.audiences.contains(FuzzKeys.audience), "the audience is the right one")
        try require(claims.expiry > now - 60 && claims.notBefore ?? now <= now + 60, "the time is right")
        for name in claims.names {
            let isLine = !name.isEmpty && name.utf8.count <= 256 && !name.utf8.contains { $0 < 0x20 }
            try require(isLine, "a name is a short line")
        }
    }
}
