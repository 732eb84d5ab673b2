import HTTPTypes

/// Parses the header lines that libcurl delivers one by one.
///
/// Interim responses (1xx, RFC 9110 section 15.2) are skipped, and so are reason phrases. Lines after the final head are trailers
/// and are ignored.
struct ResponseHeadParser {
    /// The state after a line.
    enum Progress {
        case incomplete
        case complete(HTTPResponse)
        /// The peer violated the protocol; the text describes how.
        case violation(String)
    }

    /// The maximum size of all header lines of one exchange, in bytes, including interim responses and trailers.
    static let maxBytes = 128 * 1_024

    private enum Phase {
        case statusLine
        case fields
        case finished
    }

    private var phase = Phase.statusLine
    private var status = 0
    private var fields = HTTPFields()
    private var byteCount = 0

    /// Parses one line, including its line break.
    mutating func consume(_ line: UnsafeRawBufferPointer) -> Progress {
        byteCount += line.count
        guard byteCount <= Self.maxBytes else { return .violation("the header is longer than \(Self.maxBytes) bytes") }
        switch phase {
        case .finished:
            return .incomplete
        case .statusLine:
            guard let status = Self.status(in: line) else { return .violation("the status line is malformed") }
            self.status = status
            phase = .fields
            return .incomplete
        case .fields:
            let content = Self.trimmed(line[...])
            if content.isEmpty { return endOfBlock() }
            return append(content, isFolded: Self.isSpace(line[0]))
        }
    }

    private mutating func append(_ content: Slice<UnsafeRawBufferPointer>, isFolded: Bool) -> Progress {
        if isFolded {
            // A line that starts with whitespace continues the previous one (obs-fold, RFC 9112 section 5.2).
            guard let last = fields.indices.last else { return .violation("the first header line is folded") }
            fields[last].value += " " + String(decoding: content, as: UTF8.self)
            return .incomplete
        }
        guard let colon = content.firstIndex(of: UInt8(ascii: ":")),
            let name = HTTPField.Name(String(decoding: content[..<colon], as: UTF8.self))
        else { return .violation("a header line is malformed") }
        fields.append(HTTPField(name: name, value: Self.trimmed(content[(colon + 1)...])))
        return .incomplete
    }

    private mutating func endOfBlock() -> Progress {
        switch status {
        case 101:
            return .violation("the peer switched protocols without a request")
        case 100..<200:
            phase = .statusLine
            fields = HTTPFields()
            return .incomplete
        default:
            phase = .finished
            guard mergeContentLengths() else { return .violation("the Content-Length is not one number") }
            return .complete(HTTPResponse(status: .init(code: status), headerFields: fields))
        }
    }

    /// Merges several equal `Content-Length` values into one. With different values it is not known where the message ends
    /// (RFC 9112 section 6.3).
    ///
    /// - Returns: False if a value is not a number, or the values differ.
    private mutating func mergeContentLengths() -> Bool {
        let values = fields[values: .contentLength]
        guard let first = values.first else { return true }
        if values.count == 1, Self.isNumber(first) { return true }
        let elements: [Substring] = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let lengths = elements.map { (element: Substring) -> Substring in
            var element = element.drop { $0 == " " || $0 == "\t" }
            while element.last == " " || element.last == "\t" { element.removeLast() }
            return element
        }
        guard let length = lengths.first, Self.isNumber(length), lengths.allSatisfy({ $0 == length }) else {
            return false
        }
        fields[.contentLength] = String(length)
        return true
    }

    private static func isNumber(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes
        while let byte = bytes.first, isSpace(byte) { bytes.removeFirst() }
        while let byte = bytes.last, isSpace(byte) || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") {
            bytes.removeLast()
        }
        return bytes
    }

    /// The three digits after the version. libcurl has already checked the version.
    private static func status(in line: UnsafeRawBufferPointer) -> Int? {
        let content = trimmed(line[...])
        guard content.starts(with: "HTTP/".utf8), let space = content.firstIndex(of: UInt8(ascii: " ")) else {
            return nil
        }
        let digits = content[(space + 1)...].prefix { $0 != UInt8(ascii: " ") }
        guard digits.count == 3 else { return nil }
        var status = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            status = status * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return status >= 100 ? status : nil
    }
}
