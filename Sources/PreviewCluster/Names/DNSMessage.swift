internal import Basics

/// A DNS message, as far as looking up a preview's name needs it (RFC 1035 section 4, RFC 3596).
struct DNSMessage: Hashable, Sendable {
    enum RecordType: UInt16, Hashable, Sendable {
        case address = 1
        case nameServer = 2
        case alias = 5
        case authority = 6
        case address6 = 28
    }

    /// A record of one of the types above; others are skipped.
    struct Record: Hashable, Sendable {
        let owner: String
        let type: RecordType
        /// An address, or a name without its final dot.
        let value: String
    }

    /// `RCODE`.
    enum Code: UInt8, Hashable, Sendable {
        case noError = 0
        case noSuchName = 3
    }

    private static let headerLength = 12
    private static let maxNameLength = 255
    /// More pointers than a name has labels make a loop.
    private static let maxPointers = 128
    private static let internetClass: UInt16 = 1

    /// `nil` for a failure or a refusal.
    let code: Code?
    let isAuthoritative: Bool
    let answers: [Record]
    let authorities: [Record]
    let additional: [Record]

    /// A question for one name and type.
    ///
    /// - Parameter isRecursive: Whether the server is to ask others.
    /// - Returns: `nil` for a name that DNS cannot hold.
    static func query(id: UInt16, name: String, type: RecordType, isRecursive: Bool) -> [UInt8]? {
        var bytes = id.bytes + [isRecursive ? 1 : 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") {
            guard (1...63).contains(label.utf8.count) else { return nil }
            bytes.append(UInt8(label.utf8.count))
            bytes += Array(label.utf8)
        }
        bytes.append(0)
        guard bytes.count - headerLength <= maxNameLength else { return nil }
        return bytes + type.rawValue.bytes + internetClass.bytes
    }

    /// Reads an answer to the question `query`.
    ///
    /// - Returns: `nil` where it is malformed, or an answer to something else.
    init?(_ bytes: [UInt8], to query: [UInt8]) {
        // The question comes back as it was asked; servers may change the case of letters.
        let question = query.dropFirst(Self.headerLength)
        guard bytes.count >= query.count, bytes[0] == query[0], bytes[1] == query[1], bytes[2] & 0x80 != 0,
            zip(bytes[Self.headerLength...], question).allSatisfy({ $0.lowercased == $1.lowercased })
        else { return nil }
        isAuthoritative = bytes[2] & 0x04 != 0
        code = Code(rawValue: bytes[3] & 0x0F)
        var reader = Reader(bytes: bytes, position: query.count)
        let counts = stride(from: 6, to: Self.headerLength, by: 2).map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        var sections: [[Record]] = []
        for count in counts {
            guard let records = reader.records(count) else { return nil }
            sections.append(records)
        }
        (answers, authorities, additional) = (sections[0], sections[1], sections[2])
    }

    private struct Reader {
        let bytes: [UInt8]
        var position: Int

        mutating func records(_ count: Int) -> [Record]? {
            var records: [Record] = []
            for _ in 0..<count {
                guard let owner = name(), let type = number(), number() != nil, number() != nil, number() != nil,
                    let length = number(), position + Int(length) <= bytes.count
                else { return nil }
                let end = position + Int(length)
                if let type = RecordType(rawValue: type), let value = value(of: type, end: end) {
                    records.append(Record(owner: owner, type: type, value: value))
                }
                position = end
            }
            return records
        }

        private mutating func value(of type: RecordType, end: Int) -> String? {
            switch type {
            case .address:
                guard end - position == 4 else { return nil }
                return bytes[position..<end].map(String.init).joined(separator: ".")
            case .address6:
                guard end - position == 16 else { return nil }
                return stride(from: position, to: end, by: 2)
                    .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
                    .joined(separator: ":")
            case .nameServer, .alias:
                return name()
            case .authority:
                return ""
            }
        }

        private mutating func number() -> UInt16? {
            guard position + 2 <= bytes.count else { return nil }
            defer { position += 2 }
            return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
        }

        /// A name in lowercase, with the pointers of RFC 1035 section 4.1.4.
        private mutating func name() -> String? {
            var labels: [String] = []
            var place = position
            var end: Int?
            var (length, pointers) = (0, 0)
            while place < bytes.count {
                let count = Int(bytes[place])
                if count == 0 {
                    position = end ?? place + 1
                    return labels.joined(separator: ".")
                }
                if count & 0xC0 == 0xC0 {
                    guard place + 1 < bytes.count, pointers < maxPointers else { return nil }
                    pointers += 1
                    end = end ?? place + 2
                    place = (count & 0x3F) << 8 | Int(bytes[place + 1])
                    continue
                }
                length += count + 1
                guard count < 64, length <= maxNameLength, place + 1 + count <= bytes.count else { return nil }
                labels.append(String(decoding: bytes[(place + 1)...(place + count)], as: UTF8.self).lowercased())
                place += count + 1
            }
            return nil
        }
    }
}

extension UInt16 {
    fileprivate var bytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}
