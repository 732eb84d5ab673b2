import TestSupport

/// Generates JSON objects with unusual metadata: members in any order, repeated, unknown or of the wrong type, and
/// characters with or without an escape.
///
/// Every document is valid by the grammar of RFC 8259.
struct RandomDocuments {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    mutating func number(below limit: Int) -> Int {
        Int(random.next() % UInt64(limit))
    }

    /// A byte that replaces another one, in most cases one that has a meaning in JSON.
    mutating func damage() -> UInt8 {
        let meaningful =
            Array(#"{}[],:"\0123456789eE+-.untrfals "#.utf8) + [0, 0x0A, 0x1F, 0x7F, 0x80, 0xC3, 0xED, 0xFF]
        return number(below: 4) == 0 ? UInt8(truncatingIfNeeded: random.next()) : pick(meaningful)
    }

    /// An object with its metadata.
    mutating func object() -> String {
        members([
            ("metadata", metadata()), ("kind", string()), ("apiVersion", value(depth: 2)), ("spec", value(depth: 4)),
        ])
    }

    private mutating func metadata() -> String {
        members(
            ["name", "generateName", "namespace", "uid", "resourceVersion"].map { ($0, mostly { $0.string() }) }
                + ["creationTimestamp", "deletionTimestamp"].map { ($0, mostly { $0.time() }) }
                + ["labels", "annotations"].map { ($0, mostly { $0.strings() }) }
                + [
                    ("generation", pick([integer(), integer(), integer(), "null", "true", "\"1\""])),
                    ("managedFields", value(depth: 6)),
                    ("ownerReferences", mostly { json in json.array { $0.owner() } }),
                    ("finalizers", mostly { json in json.array { $0.string() } }), (text(), value(depth: 3)),
                ]
        )
    }

    private mutating func owner() -> String {
        let required = ["apiVersion", "kind", "name", "uid"].map { ($0, string()) }
        let flags = ["controller", "blockOwnerDeletion"].map { ($0, pick(["true", "false", "null"])) }
        return object(of: (required + flags + [(text(), value(depth: 2))]).shuffled(using: &random))
    }

    private mutating func strings() -> String {
        object(of: (0..<number(below: 5)).map { _ in (text(), string()) })
    }

    /// In most cases the result of `make`, sometimes `null`, and rarely any other value.
    private mutating func mostly(_ make: (inout RandomDocuments) -> String) -> String {
        switch number(below: 60) {
        case 0: value(depth: 3)
        case 1...6: "null"
        default: make(&self)
        }
    }

    /// An object of most of the members in random order, sometimes with one of their names twice.
    private mutating func members(_ members: [(String, String)]) -> String {
        var chosen = members.filter { _ in number(below: 8) > 0 }
        if !chosen.isEmpty, number(below: 6) == 0 { chosen.append((pick(members).0, pick(members).1)) }
        return object(of: chosen.shuffled(using: &random))
    }

    private mutating func object(of members: [(String, String)]) -> String {
        "{" + space()
            + members.map { quoted($0.0) + space() + ":" + space() + $0.1 + space() }.joined(separator: "," + space())
            + "}"
    }

    private mutating func array(_ element: (inout RandomDocuments) -> String) -> String {
        "[" + space() + (0..<number(below: 3)).map { _ in element(&self) + space() }.joined(separator: "," + space())
            + "]"
    }

    private mutating func value(depth: Int) -> String {
        switch number(below: depth > 0 ? 9 : 6) {
        case 0: "null"
        case 1: pick(["true", "false"])
        case 2: numeral()
        case 3...5: string()
        case 6: array { $0.value(depth: depth - 1) }
        default: object(of: (0..<number(below: 4)).map { _ in (text(), value(depth: depth - 1)) })
        }
    }

    private mutating func numeral() -> String {
        integer() + pick(["", "", ".0", ".05", "e2", "E-1", "e+400"])
    }

    private mutating func integer() -> String {
        pick(["", "", "-"])
            + pick(["0", "7", "120", "9223372036854775807", "9223372036854775808", "18446744073709551616"])
    }

    private mutating func time() -> String {
        quoted(
            pick([
                "2026-11-26T10:00:00Z", "2026-02-28T23:59:59.123456Z", "2026-01-01T00:00:00+01:00",
                "1969-12-31T00:00:00Z",
            ])
        )
    }

    private mutating func string() -> String { quoted(text()) }

    private mutating func text() -> String {
        let pieces = [
            "a", "name", "uid", "labels", "agentweaver.dev/preview-run", "\"", "\\", "/", "\n", "\0", "\u{7F}", "é",
            "e\u{301}",
            "€", "\u{2028}", "\u{FEFF}", "😀", "\u{10FFFF}", "<&>", "{}[],:", "",
        ]
        return (0..<number(below: 4)).map { _ in pick(pieces) }.joined()
    }

    /// A quoted string with the escapes that JSON requires, and others at random.
    private mutating func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            let isForced = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            guard isForced || number(below: 8) == 0 else {
                quoted.unicodeScalars.append(scalar)
                continue
            }
            for unit in UTF16.encode(scalar).map(Array.init) ?? [] {
                let digits = String(unit, radix: 16, uppercase: number(below: 2) == 0)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }

    private mutating func space() -> String { pick(["", "", "", " ", "\n", "\t \r"]) }

    private mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[number(below: choices.count)] }
}
