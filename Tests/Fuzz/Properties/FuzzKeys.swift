import Basics
import FoundationEssentials
import OpenSSLKit
import PreviewDomain

@testable import PreviewIdentity

/// The keys of an issuer that exists only in the corpus; the private keys no longer exist.
enum FuzzKeys {
    static let issuer = "https://issuer.example.com"
    static let audience = "previews"
    static let subject = "user-7"
    /// The instant at which the genuine tokens are valid.
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let serviceKey = "the-service-key-of-the-fuzzer"

    /// Both are in the corpus.
    static let genuine: Set<String> = [
        "\(base64URL(#"{"alg":"ES256","kid":"ec","typ":"JWT"}"#.utf8)).\(claims).\(es256)",
        "\(base64URL(#"{"alg":"RS256","kid":"rsa","typ":"JWT"}"#.utf8)).\(claims).\(rs256)",
    ]

    static let authenticator = Task {
        let keys = NamedKeys(keys: [
            "ec": try PublicKey(pem: ecPEM), "rsa": try PublicKey(pem: rsaPEM),
        ])
        return Authenticator([
            ServiceKeyVerifier(user: "agent") { [key = try require(ServiceKey(serviceKey), "the key is one")] in key },
            AccessTokenVerifier(issuer: issuer, audience: audience, keys: keys, now: { now }),
            ServiceAccountVerifier(
                service: [],
                serviceUser: "agent",
                operators: [],
                reviews: NoTokenReviews(),
                uptime: { .zero }
            ),
        ])
    }

    private struct NamedKeys: VerificationKeySource {
        let keys: [String: PublicKey]

        func key(named keyID: String) async throws(AccessDenied) -> PublicKey? { keys[keyID] }
    }

    /// An API server that knows no ServiceAccount.
    private struct NoTokenReviews: TokenReviews {
        func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? { nil }
    }

    /// base64url without padding.
    static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
        let text = Data(bytes).base64EncodedString()
        return String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.prefix { $0 != "=" })
    }

    private static let claims = """
        eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsImF1ZCI6WyJwcmV2aWV3cyJdLCJzdWIiOiJ1c2VyLTciLCJnaF9s\
        b2dpbiI6Im9jdG9jYXQiLCJleHAiOjE4MDAwMDAzMDAsIm5iZiI6MTc5OTk5OTk5MCwib3JnIjoiYWNtZSIsInNjb3BlIjoicnVu\
        cyIsImp0aSI6IjEifQ
        """
    private static let es256 = """
        kcn9ERbZxyEJhe_JIQHLEXJS5UHVb34CRUdWC-vahch6nUabLNSB_wYOaL3_HofyLVGG5KMjI9hxCXDuKPYZ-Q
        """
    private static let rs256 = """
        kb_KFqM6ns7ld6Fjbwngx4RY2Ne9Ph2XhEROOs9xU9PceS2qxQOXX0an_akVDEjoquLMbVW3k5U3V1xAMTdRbl-BNdLWe_zTWy-\
        vsyTynFVQ0RiA0JXrTGrseitB-_xVL-KZFdyeA55-en7S1JuFczr0iNhkpLRVdM6ONBg-3xfEK29o_T5x-\
        tRNkwBnJG8eW80i5B2t9c5ZAbkqXA_cYoPaItFLQo-\
        0BZ2wRePKsWNkoaRFXATVSXPHYfIegNGoUJcK43srM3akv8ihQtJSl8yb5f9YkKeQsrqI2fayhdNhYZpyw67IkssROhv2MyqK2OJ\
        24CaXKEI7FReUnYJjLA
        """

    private static let ecPEM = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmiehPdB4j5/dGkAo+1j4iuAcb0N/
        y5iCswfxccyTEB2zO5evwwziGJ7iKixlCzprZnXH0NlusFnFM/d/7UdlGA==
        -----END PUBLIC KEY-----
        """

    private static let rsaPEM = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApSLJ0yaK8vt+7VFXKvha
        wRiMuMnMMY5G0OqWfobQ5F4kCUG4f71dyMqPINibvKyLN0QlRC6pjq12lP0u4igM
        anPyxgBrozX6xid7byO6j8DgqbZBabkv31KO6Kzm0ShF1K5DH7FW7cNw17APCZr5
        v4gBVg2cZOvsnWO2uCp1QdnnDC/DACEYKvyJCLlslg2gaOmWgAfgleWz8djZtdjy
        FYjWfDZ3zboLKxYWZcg/7v/2AMdcZ+oSgdCrjpUYad54DY84XWivWftOK2GcbFvy
        2p8KVhGSHplujV66FIWWi6zNR9eUr2wXBXR33w3tf3VZAWU24Y3VlPKpqPxdt2+e
        lwIDAQAB
        -----END PUBLIC KEY-----
        """
}
