import Testing

@testable import PreviewServer

@Suite("The formats that a client accepts", .timeLimit(.minutes(10)))
struct AcceptedFormatsTests {
    @Test(
        arguments: [
            (nil, true, false), ("application/json, text/event-stream", true, true), ("*/*", true, true),
            ("Application/JSON;q=0.9 , TEXT/event-stream; charset=utf-8", true, true),
            ("application/json", true, false),
            ("text/event-stream", false, true), ("application/*", true, false), ("text/*", false, true),
            ("application/json;q=0, text/event-stream", false, true), ("text/event-stream; q=0.000", false, false),
            ("text/html", false, false), ("", false, false), (",;,", false, false),
        ] as [(String?, Bool, Bool)]
    )
    func theAcceptHeaderSelectsTheFormats(accept: String?, json: Bool, eventStream: Bool) {
        let formats = AcceptedFormats(accept)
        #expect(formats.json == json)
        #expect(formats.eventStream == eventStream)
    }
}

@Suite("Allowed origins", .timeLimit(.minutes(10)))
struct AllowedOriginsTests {
    @Test func onlyListedOriginsAreAllowed() throws {
        let allowed = try #require(AllowedOrigins("https://Console.example.com , http://localhost:3000"))
        #expect(allowed.allows("https://console.example.com"))
        #expect(allowed.allows("http://localhost:3000"))
        for origin in [
            "http://console.example.com", "https://console.example.com:8443", "http://localhost", "null", "",
            "https://console.example.com.evil.example",
        ] {
            #expect(!allowed.allows(origin))
            #expect(!AllowedOrigins.none.allows(origin))
        }
    }

    @Test(arguments: [
        "vscode-file://vscode-app", "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "app://.",
        "app://obsidian.md",
        "tauri://localhost", "file://", "null", "http://[::1]:3000",
    ])
    func originsOfDesktopClientsCanBeListed(origin: String) throws {
        let allowed = try #require(AllowedOrigins("https://console.example.com, \(origin)"))
        #expect(allowed.allows(origin))
        #expect(allowed.allows("https://console.example.com"))
        #expect(!AllowedOrigins.none.allows(origin))
        for other in ["vscode-file://other", "app://other", "chrome-extension://a", "http://vscode-app"] {
            #expect(!allowed.allows(other))
        }
        #expect(allowed.allows("null") == (origin == "null"))
    }

    @Test(arguments: [
        "", "*", "https://", "console.example.com", "https://a.example/", "https://a.example/path",
        "https://u@a.example",
        "ftp://a.example", "https://a.example,", "https://a b", "https://*.example.com", "app:", "app://",
        "vscode-file:vscode-app", "1app://a", "a b://c", "chrome-extension://id/", "://a", "nul", "ws://a.example",
    ])
    func invalidOriginsAreRefused(text: String) {
        #expect(AllowedOrigins(text) == nil)
    }
}
