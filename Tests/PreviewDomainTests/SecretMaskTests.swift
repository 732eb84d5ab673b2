import TestSupport
import Testing

@testable import PreviewDomain

@Suite("Masked texts", .timeLimit(.minutes(10)))
struct SecretMaskTests {
    private static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"
    private static let fingerprint = PreviewToken(token)?.fingerprint ?? ""

    @Test("A token in a known form is replaced by its fingerprint, and the rest stays unchanged")
    func aTokenInAKnownFormIsReplacedByItsFingerprint() {
        let cases = [
            (
                #"services "preview-\#(Self.token)" is forbidden: exceeded quota: q, requested: count/services=1"#,
                #"services "preview-(\#(Self.fingerprint))" is forbidden: exceeded quota: q, requested: count/services=1"#
            ),
            (
                "host \(Self.token)-preview.preview.example.com",
                "host (\(Self.fingerprint))-preview.preview.example.com"
            ),
            ("token=\(Self.token).", "token=(\(Self.fingerprint))."),
            (Self.token.uppercased(), "(\(Self.fingerprint))"),
        ]
        for (text, masked) in cases { #expect(SecretMask.mask(text) == masked) }
    }

    @Test("Text without secrets stays unchanged")
    func textWithoutSecretsStaysUnchanged() {
        let texts = [
            #"User "system:serviceaccount:agentweaver:preview-gateway" cannot delete resource "httproutes""#,
            #"Post "https://guard.webhooks.svc:443/validate?timeout=10s": dial tcp 10.0.0.1:443: connect: refused"#,
            "metadata.annotations[agentweaver.dev/preview-expires-at]: Invalid value",
            "unable to create new content in namespace agentweaver because it is being terminated",
            "sandboxclaims.extensions.agents.x-k8s.io v1beta1, validatingadmissionpolicy 'small'"
                .replacing("validatingadmissionpolicy", with: "ValidatingAdmissionPolicy"),
            "exceeded quota: agentweaver-quota, limited: count/httproutes.gateway.networking.k8s.io=3",
        ]
        for text in texts { #expect(SecretMask.mask(text) == text) }
    }

    @Test("Fragments of tokens and keys are replaced by a placeholder")
    func fragmentsOfTokensAndKeysAreMasked() {
        for text in [
            "on-amber-k7m2q4x3n5b3r6t5w2zac2d4f7", "k7m2q4x3n5b3r6t5", "abcdefghijklmnopqrst",
            "preview-\(String(repeating: "a", count: 70))",
        ] {
            #expect(SecretMask.mask("x \(text) y") == "x \(SecretMask.placeholder) y", "\(text)")
        }
        #expect(SecretMask.mask("Bearer aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA") == "Bearer \(SecretMask.placeholder)")
    }

    @Test("The result is one printable line of bounded length")
    func theResultIsOnePrintableLineOfBoundedLength() {
        #expect(SecretMask.mask("a\nb\u{1B}[31m\u{2028}c\tö") == "a b [31m c ö")
        let long = SecretMask.mask(String(repeating: "word ", count: 1000))
        #expect(long.count == SecretMask.maximumLength + 3 && long.hasSuffix("..."))
    }

    @Test(
        "What a terminal would interpret is escaped, and everything else stays",
        arguments: [
            ("Nicht während der Vorführung – 会議", "Nicht während der Vorführung – 会議"),
            (#"C:\ "quoted""#, #"C:\ "quoted""#),
            ("a\u{1B}]0;title\u{07}b", #"a\u{1b}]0;title\u{7}b"#), ("a\u{9B}2Jb", #"a\u{9b}2Jb"#),
            ("one\r\ntwo\tthree", #"one\u{d}\u{a}two\u{9}three"#), ("\u{202E}right", #"\u{202e}right"#),
            ("line\u{2028}end", #"line\u{2028}end"#), ("", ""),
        ]
    )
    func whatATerminalInterpretsIsEscaped(text: String, shown: String) {
        #expect(Excerpt.escaped(text) == shown)
    }

    @Test("No token remains, at any place and beside any text", arguments: 0..<200)
    func noTokenSurvives(seed: Int) throws {
        let random = SeededRandom(seed: UInt64(seed))
        let token = try PreviewToken.mint(randomBytes: { random.bytes($0) })
        let secret = String(token.text.suffix(26))
        let separators = ["\"", " ", "/", ".", ":", "=", "'", "{", "\n", "\\", "(", "%", "ä"]
        let forms = [
            token.text, token.objectName, "\(token.text)-preview", "https://\(token.text)-preview.zone.example/",
        ]
        var text = ""
        for _ in 0..<6 {
            text += separators[Int(random.next() % UInt64(separators.count))]
            text += ["service", "forbidden", "x-k8s", ""][Int(random.next() % 4)]
            text += separators[Int(random.next() % UInt64(separators.count))]
            text += forms[Int(random.next() % UInt64(forms.count))]
        }
        let masked = SecretMask.mask(text)
        #expect(!masked.lowercased().contains(secret))
        // Nor does any fragment of eight characters.
        for start in 0..<(26 - 8) {
            let piece = secret.dropFirst(start).prefix(8)
            #expect(!masked.contains(piece))
        }
        // A token whose beginning is cut off is masked as well.
        let cut = String(token.text.dropFirst(Int(random.next() % 20)))
        #expect(!SecretMask.mask("...\(cut)|").contains(secret))
    }
}
