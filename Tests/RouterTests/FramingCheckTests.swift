import Router
import Testing

@Suite("Requests whose end is ambiguous", .timeLimit(.minutes(10)))
struct FramingCheckTests {
    private func violation(_ lines: [String], isHTTP11: Bool = true) -> String? {
        let fields = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            return (name: parts[0], value: String(parts[1].drop { $0 == " " }))
        }
        return FramingCheck.violation(in: fields, isHTTP11: isHTTP11)
    }

    @Test(arguments: [
        ["Host: a"], ["Host: a", "Content-Length: 0"], ["Host: a:8080", "Transfer-Encoding: chunked"],
        ["Host: [::1]:80", "X: a\tb", "Y:", "Z: ünï"], ["Host: a", "Transfer-Encoding: Chunked"], ["Host:"],
    ])
    func anUnambiguousRequestPasses(lines: [String]) {
        #expect(violation(lines) == nil)
    }

    @Test(arguments: [
        (["Host: a", "Content-Length: 1", "Content-Length: 1"], "content_length"),
        (["Host: a", "Content-Length: 1", "Content-Length: 2"], "content_length"),
        (["Host: a", "Content-Length: 1, 1"], "content_length"), (["Host: a", "Content-Length: +1"], "content_length"),
        (["Host: a", "Content-Length: -1"], "content_length"), (["Host: a", "Content-Length:"], "content_length"),
        (["Host: a", "Content-Length: 0x1"], "content_length"),
        (["Host: a", "Content-Length: 9999999999999999999"], "content_length"),
        (["Host: a", "Content-Length: 1", "Transfer-Encoding: chunked"], "two_lengths"),
        (["Host: a", "Transfer-Encoding: gzip, chunked"], "transfer_encoding"),
        (["Host: a", "Transfer-Encoding: chunked, chunked"], "transfer_encoding"),
        (["Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "transfer_encoding"),
        (["Host: a", "Transfer-Encoding: identity"], "transfer_encoding"), (["Host: a", "Host: a"], "host"),
        (["Host: a, b"], "host"), (["Host: a b"], "host"), ([], "host"), (["Host: a", "X y: 1"], "field_name"),
        (["Host: a", "X\u{0}: 1"], "field_name"), (["Host: a", ": 1"], "field_name"),
        (["Host: a", "X: \u{FFFD}"], "field_value"), (["Host: a", "X: a\u{0}b"], "field_value"),
        (["Host: a", "X: a\rb"], "field_value"),
    ])
    func anAmbiguousRequestIsRefused(lines: [String], expected: String) {
        #expect(violation(lines) == expected)
    }

    @Test func anOlderRequestNeedsNoHostAndHasNoChunks() {
        #expect(violation([], isHTTP11: false) == nil)
        #expect(violation(["Transfer-Encoding: chunked"], isHTTP11: false) == "transfer_encoding")
    }
}
