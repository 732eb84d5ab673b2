internal import Basics

/// Refuses requests whose end two recipients could interpret differently (request smuggling, RFC 9112 section 11.2).
///
/// The HTTP parser refuses most of them: folded lines, bare line feeds, lengths with signs, a length beside chunks. The
/// others are refused here, before the fields are converted to values that no longer show it.
public enum FramingCheck {
    /// The problem of a request's head; `nil` if there is none.
    ///
    /// - Parameters:
    ///   - fields: Names and values as received.
    ///   - isHTTP11: Whether the request is HTTP/1.1, which requires a host.
    public static func violation(in fields: some Sequence<(name: String, value: String)>, isHTTP11: Bool) -> String? {
        var (hosts, lengths, codings) = (0, 0, 0)
        for (name, value) in fields {
            guard isToken(name) else { return "field_name" }
            // Bytes that the parser could not read as UTF-8, and that no field may contain (RFC 9110 section 5.5).
            guard
                !value.unicodeScalars.contains(where: {
                    $0 == "\u{FFFD}" || ($0.value < 0x20 && $0 != "\t") || $0.value == 0x7F
                })
            else { return "field_value" }
            switch name.lowercased() {
            case "host":
                hosts += 1
                guard value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !value.contains(",") else { return "host" }
            case "content-length":
                lengths += 1
                guard !value.isEmpty, value.utf8.count <= 18, value.utf8.allSatisfy(\.isDigit) else {
                    return "content_length"
                }
            case "transfer-encoding":
                codings += 1
                guard value.lowercased() == "chunked", isHTTP11 else { return "transfer_encoding" }
            default: break
            }
        }
        if hosts > 1 || (isHTTP11 && hosts == 0) { return "host" }
        if lengths > 1 { return "content_length" }
        if codings > 1 { return "transfer_encoding" }
        return lengths > 0 && codings > 0 ? "two_lengths" : nil
    }

    /// RFC 9110 section 5.6.2.
    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { $0.isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }
}
