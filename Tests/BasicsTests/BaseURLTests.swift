import Basics
import Testing

@Suite(.timeLimit(.minutes(10))) struct BaseURLTests {
    @Test(arguments: [
        ("https://api.example.com", "https", "api.example.com", ""),
        ("http://api.example.com/", "http", "api.example.com", ""),
        ("HTTPS://api.example.com:8443//", "https", "api.example.com:8443", ""),
        ("http://[::1]:5000/core/", "http", "[::1]:5000", "/core"),
        ("http://core.agentweaver.svc:80/a/b", "http", "core.agentweaver.svc:80", "/a/b"),
    ])
    func aBaseURLIsReadWithoutTheSlashesAtItsEnd(
        text: String,
        scheme: String,
        authority: String,
        prefix: String
    ) throws {
        let url = try BaseURL(text)
        #expect(url.scheme == scheme)
        #expect(url.authority == authority)
        #expect(url.pathPrefix == prefix)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:80", true), ("127.0.0.1", true), ("127.9.8.7:80", true), ("[::1]:80", true),
        ("[::1]", true), ("127.example.com", false), ("127.0.0.1.example.com", false), ("localhost.example.com", false),
        ("10.0.0.1", false), ("[::2]:80", false),
    ])
    func addressesOfThisMachineAreKnown(authority: String, isLoopback: Bool) throws {
        #expect(try BaseURL("http://\(authority)").isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "api.example.com", "ftp://api.example.com", "https://", "https:///api",
        "https://user:secret@api.example.com",
        "https://api.example.com?x=secret", "https://api.example.com/#secret", "https://api.example.com:0",
        "https://api.example.com:65536", "https://api.example.com:", "https://api.example.com:secret",
        "https://api\\example.com", "https://api%2Fexample.com", "https://api example.com",
        "https://api.example.com/\r\nX-Secret: 1",
    ])
    func otherTextIsRefusedInOneLineThatDoesNotQuoteIt(text: String) {
        let error = #expect(throws: InvalidBaseURL.self) { try BaseURL(text) }
        let line = error.map { "\($0)" } ?? ""
        #expect(line.contains("expected an http or https URL"))
        #expect(!line.contains("\n") && !line.contains("secret"))
    }
}
