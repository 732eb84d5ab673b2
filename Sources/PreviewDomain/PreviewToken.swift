import OpenSSLKit

/// Generates random bytes: exactly `count` of them from a cryptographically secure generator, or throws an error.
public typealias RandomBytes = @Sendable (_ count: Int) throws -> [UInt8]

/// The secret that names a preview: anyone who knows it can open the preview's URL.
///
/// A token prints only its fingerprint. The secret is available only through `text`, `objectName` and `host(zone:)`;
/// none of them may be used in a log, metric, event, trace or error body.
public struct PreviewToken: Hashable, Sendable {
    /// The most characters that a token may have, so that `preview-{token}` and `{token}-preview` are DNS labels.
    public static let maximumLength = DNSLabel.maximumLength - objectNamePrefix.utf8.count

    /// Names of the platform's own hosts, which are never a token.
    public static let reserved: Set<String> = ["agentweaver", "mcp", "api", "frontend"]

    /// A token of no preview: it has the format of a generated one, with words that are never used.
    public static let placeholder = PreviewToken(valid: "no-such-preview-\(String(repeating: "a", count: 26))")

    /// How many hexadecimal digits a fingerprint has.
    public static let fingerprintLength = 8

    private static let objectNamePrefix = "preview-"
    private static let hostLabelSuffix = "-preview"
    private static let suffixByteCount = 16
    private static let wordCount = 3

    /// The token itself, a secret.
    public var text: String { shared.value.text }

    private let shared: Shared<CompactText>

    /// Generates a new token: three cosmetic words and 26 characters of base32 that encode 128 random bits.
    ///
    /// The words are chosen by separate random bytes, so they reveal nothing about the rest. The words are followed by
    /// hyphens, so a generated token is never a reserved name.
    ///
    /// - Parameter randomBytes: The generator; called once.
    /// - Throws: The generator's error, or `WrongRandomByteCount` if it returns too few or too many bytes.
    public static func mint(randomBytes: RandomBytes) throws -> PreviewToken {
        let count = suffixByteCount + wordCount
        let bytes = try randomBytes(count)
        guard bytes.count == count else { throw WrongRandomByteCount(expected: count, actual: bytes.count) }
        // The list has 256 words, so one byte selects one without bias.
        let words = bytes.suffix(wordCount).map { TokenWords.all[Int($0)] }
        let parts = words + [Base32.encode(bytes.prefix(suffixByteCount))]
        return PreviewToken(valid: parts.joined(separator: "-"))
    }

    /// Reads a token that a caller or the cluster wrote.
    ///
    /// The format of generated tokens is not required: previews of the platform's older service have others.
    ///
    /// - Parameter text: One DNS-1123 label of at most `maximumLength` characters that is not reserved.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, DNSLabel.isValid(text.utf8), !Self.reserved.contains(text)
        else { return nil }
        self.init(valid: text)
    }

    /// Reads the token from the name of a Service or HTTPRoute, `preview-{token}`.
    ///
    /// - Parameter objectName: The object's name.
    public init?(objectName: String) {
        let prefix = Self.objectNamePrefix.utf8
        guard objectName.utf8.starts(with: prefix) else { return nil }
        self.init(String(decoding: objectName.utf8.dropFirst(prefix.count), as: UTF8.self))
    }

    /// Reads the token from a preview's URL, `https://{token}-preview.{zone}` with any port, path and query.
    ///
    /// - Parameter url: The URL, with its scheme.
    public init?(url: String) {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        let label = url[colon...].dropFirst(3).prefix { $0 != "." && $0 != ":" && $0 != "/" }
        guard label.hasSuffix(Self.hostLabelSuffix) else { return nil }
        self.init(String(label.dropLast(Self.hostLabelSuffix.count)))
    }

    private init(valid text: String) {
        shared = Shared(CompactText(text))
    }

    /// The replacement of the token in logs: the first 8 hexadecimal digits of its SHA-256.
    public var fingerprint: String { String(Digest.sha256Hex(text.utf8).prefix(Self.fingerprintLength)) }

    /// Whether a text can be a fingerprint.
    static func isFingerprint(_ text: String) -> Bool {
        text.utf8.count == fingerprintLength && text.utf8.allSatisfy("0123456789abcdef".utf8.contains)
    }

    /// The name of the preview's Service and HTTPRoute, `preview-{token}`. Contains the secret.
    public var objectName: String { Self.objectNamePrefix + text }

    /// The preview's host name, `{token}-preview.{zone}`. Contains the secret.
    ///
    /// - Parameter zone: The zone; its wildcard certificate covers exactly this one label.
    public func host(zone: ZoneSuffix) -> String { "\(text)\(Self.hostLabelSuffix).\(zone.text)" }
}

extension PreviewToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The fingerprint.
    public var description: String { fingerprint }

    /// The fingerprint.
    public var debugDescription: String { fingerprint }

    /// A mirror that shows only the fingerprint.
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint], displayStyle: .struct) }
}

/// The error if a random generator returned a wrong number of bytes.
public struct WrongRandomByteCount: Error, Hashable, Sendable, CustomStringConvertible {
    /// The requested number of bytes.
    public let expected: Int
    /// The returned number of bytes.
    public let actual: Int

    /// One sentence for a log line.
    public var description: String {
        "the random generator returned \(actual) bytes instead of \(expected)"
    }
}

/// The words that make tokens easier to distinguish at a glance.
///
/// They are cosmetic and not secret. They are short and neutral in any combination of three; there are 256 of them, so
/// that one random byte selects one without bias, and they have at most 7 letters, so that a generated token has at
/// most 50 characters.
enum TokenWords {
    /// The words in alphabetical order.
    static let all: [String] = """
        acorn agile alder alpine amber anchor apple apricot arctic ardent aspen aster atlas aurora autumn
        azure badge bamboo banjo basil basket beacon berry birch bloom blossom bold brave breeze bridge
        bright brisk bronze brook cabin calm candle canoe canyon castle cedar cello chalk cheery cider
        citrus clear clever cliff clover coast cobalt comet compass copper coral cosmic crane creek cricket
        crisp crystal cypress daisy dawn delta dew dolphin dream drift dune eager eagle earth echo elm ember
        emerald falcon fern ferry fiddle field finch fir fjord flint flora flute forest fox fresh frost
        gable galaxy garden garnet gentle geyser ginger glacier glade golden grand granite grape grove gull
        happy harbor harp hazel heather heron hickory hill holly honey horizon humble ibis indigo iris
        island ivory ivy jade jasmine jasper jolly juniper kayak keen kind kite koala lagoon lake lantern
        larch lark laurel lemon lilac lily linen lively lotus lucky lunar lyric maple marble meadow melody
        merry mesa mint mirror misty modest moon mosaic moss neat nectar nimble noble nova nutmeg oak oasis
        ocean olive onyx opal orbit orchard orchid otter owl parsley patient pearl pebble pepper petal piano
        pine planet plum polar pond poplar prairie prism puffin quartz quick quiet quill rain rapid raven
        reef ribbon ripple river robin rocket rose royal ruby sable saffron sage sail scenic serene shell
        silver sky snow solar sonnet spark spruce star steady stone stream summer sunny swan swift teal
        thistle thyme tidal timber topaz tulip tundra valley violet vista vivid walnut warm willow windy
        winter wise wren zebra zephyr
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    /// The position of each word in the list.
    static let positions = Dictionary(uniqueKeysWithValues: zip(all, UInt8.min...UInt8.max))
}

/// The base32 encoding of RFC 4648, section 6, in lower case and without padding.
enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// The number that a character encodes.
    static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a")
        case UInt8(ascii: "2")...UInt8(ascii: "7"): character - UInt8(ascii: "2") + 26
        default: nil
        }
    }

    /// Encodes bytes; five bits make one character, and the last group is padded with zero bits.
    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var characters: [UInt8] = []
        characters.reserveCapacity((bytes.count * 8 + 4) / 5)
        var buffer: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            // At most 4 bits are left over from the byte before, so 12 bits is the most that is held.
            buffer = (buffer << 8) | UInt32(byte)
            bitCount += 8
            while bitCount >= 5 {
                bitCount -= 5
                characters.append(alphabet[Int((buffer >> UInt32(bitCount)) & 0x1F)])
            }
            buffer &= (1 << UInt32(bitCount)) - 1
        }
        if bitCount > 0 {
            characters.append(alphabet[Int((buffer << UInt32(5 - bitCount)) & 0x1F)])
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
