import Foundation
import HTTPTypes
import Hummingbird
import OpenSSLKit
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// The page for hosts of the zone without a preview.
@Suite("The page of hosts without a preview", .timeLimit(.minutes(1)))
struct EndedPageTests {
    private static let run = "/api/runs/\(APIHarness.run)"

    /// Requests that anyone who knows the zone can send.
    private static let requests = [
        "GET / HTTP/1.1\r\nHost: swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7-preview.preview.example.com\r\n",
        "GET / HTTP/1.1\r\nHost: never-was-preview.preview.example.com\r\n",
        "GET / HTTP/1.1\r\nHost: preview-gateway\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a.preview.example.com\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a.preview.example.com\r\n",
        "GET /openapi.json HTTP/1.1\r\nHost: a.preview.example.com\r\n",
        "GET \(run)/sandbox/port-forward HTTP/1.1\r\nHost: a.preview.example.com\r\nAuthorization: Bearer \(APIHarness.owner)\r\n",
        "POST \(run)/sandbox/port-forward HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n{\"target_port\": 3000}",
        "POST /mcp HTTP/1.1\r\nHost: a.preview.example.com\r\nContent-Length: 2\r\n\r\n{}",
        "DELETE \(run)/sandbox/port-forward/a HTTP/1.1\r\nHost: a.preview.example.com\r\n",
        "OPTIONS / HTTP/1.1\r\nHost: a.preview.example.com\r\nOrigin: https://evil.example\r\n",
        "GET /?a=%00 HTTP/1.1\r\nHost: a.preview.example.com\r\nAccept: application/json\r\nAccept-Language: de\r\n",
    ]

    private func answer(to request: String, on port: Int) async throws -> (head: [String], body: String) {
        let client = try await RawClient.connect(to: port)
        let closing = request.replacing("\r\nHost:", with: "\r\nConnection: close\r\nHost:", maxReplacements: 1)
        try await client.send(closing.contains("\r\n\r\n") ? closing : closing + "\r\n")
        let text = await client.receiveAll()
        let end = try #require(text.range(of: "\r\n\r\n"))
        let head = text[..<end.lowerBound].components(separatedBy: "\r\n").filter {
            !$0.lowercased().hasPrefix("date:")
        }
        return (head, String(text[end.upperBound...]))
    }

    private func withPage(_ body: @Sendable (_ port: Int) async throws -> Void) async throws {
        try await LoopbackServer.run { onRunning in
            EndedPage.application(address: .hostname("127.0.0.1", port: 0), logger: .silent, onRunning: onRunning)
        } _: { port, _ in
            try await body(port)
        }
    }

    @Test func everyHostPathMethodAndFieldGetsTheSameBytes() async throws {
        try await withPage { port in
            let first = try await answer(to: Self.requests[0], on: port)
            #expect(first.head.first == "HTTP/1.1 404 Not Found")
            #expect(first.body == EndedPage.html)
            for request in Self.requests.dropFirst() {
                let other = try await answer(to: request, on: port)
                #expect(other.head == first.head && other.body == first.body, "\(request)")
            }
        }
    }

    /// Writes the page for `make pictures`.
    @Test(.enabled(if: EndedPageTests.pageFile != nil, "ENDED_PAGE names no file to write the page to"))
    func thePageIsWrittenForItsPictures() async throws {
        try await withPage { port in
            let page = try await answer(to: Self.requests[0], on: port)
            try page.body.write(toFile: try #require(Self.pageFile), atomically: true, encoding: .utf8)
        }
    }

    fileprivate static let pageFile = ProcessInfo.processInfo.environment["ENDED_PAGE"]

    @Test func anAnswerToHEADHasTheFieldsAndNoBody() async throws {
        try await withPage { port in
            let page = try await answer(to: Self.requests[0], on: port)
            let head = try await answer(to: Self.requests[0].replacing("GET", with: "HEAD"), on: port)
            #expect(head.body.isEmpty && head.head == page.head)
        }
    }

    @Test func noCacheKeepsItNoIndexListsItAndNoLinkTellsItsAddress() throws {
        let fields = EndedPage.fields
        func value(_ name: String) throws -> String? { fields[try #require(HTTPField.Name(name))] }
        #expect(fields[.cacheControl] == "no-store")
        #expect(try value("x-robots-tag") == "noindex")
        #expect(try value("referrer-policy") == "no-referrer")
        #expect(try value(RouteMark.fieldName) == RouteMark.noPreview)
        #expect(fields[.accessControlAllowOrigin] == nil && fields[.setCookie] == nil)
        #expect(EndedPage.html.contains(#"<meta name="robots" content="noindex">"#))
        #expect(EndedPage.html.contains(#"<meta name="referrer" content="no-referrer">"#))
    }

    @Test func thePageLoadsAndRunsNothing() throws {
        let html = EndedPage.html
        for part in [
            "<script", "<link", "<img", "<iframe", "<form", "src=", "href=", "url(", "@import", "http:", "https:",
        ] {
            #expect(!html.contains(part), "\(part)")
        }
        let policy = try #require(EndedPage.fields[.contentSecurityPolicy])
        #expect(policy.hasPrefix("default-src 'none'; "))
        // The only style sheet that the policy allows is the one in the page.
        let start = try #require(html.range(of: "<style>")).upperBound
        let end = try #require(html.range(of: "</style>")).lowerBound
        let digest = Data(Digest.sha256(Array(html[start..<end].utf8))).base64EncodedString()
        #expect(policy.contains("style-src 'sha256-\(digest)'"))
        #expect(!policy.contains("unsafe"))
    }

    @Test func thePageSaysWhatHappenedAndWhoCanStartAPreview() {
        for text in [
            "has ended, or there never was one", "The owner of the run can start a new preview", "agent can ask",
        ] {
            #expect(EndedPage.html.contains(text), "\(text)")
        }
        #expect(EndedPage.html.contains(#"<html lang="en">"#) && EndedPage.html.contains("<h1>"))
    }

    @Test(arguments: [EndedPage.Palette.light, .dark])
    func textHasTheContrastOfWCAGAA(palette: EndedPage.Palette) throws {
        for color in [palette.background, palette.text, palette.quietText, palette.line] {
            #expect(EndedPage.style.contains(color))
        }
        #expect(try Self.contrast(palette.text, palette.background) >= 7)
        #expect(try Self.contrast(palette.quietText, palette.background) >= 4.5)
        // A line is not text (WCAG 2.2, 1.4.11).
        #expect(try Self.contrast(palette.line, palette.background) >= 3)
    }

    /// The contrast ratio of two colors (WCAG 2.2, "contrast ratio" and "relative luminance").
    private static func contrast(_ first: String, _ second: String) throws -> Double {
        let luminances = try [luminance(first), luminance(second)].sorted(by: >)
        return (luminances[0] + 0.05) / (luminances[1] + 0.05)
    }

    private static func luminance(_ color: String) throws -> Double {
        let number = try #require(Int(color.dropFirst(), radix: 16))
        let parts = [16, 8, 0].map { shift -> Double in
            let value = Double((number >> shift) & 0xFF) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    @Test func theColorsFollowTheSchemeOfTheDevice() {
        #expect(EndedPage.style.contains("color-scheme: light dark"))
        #expect(EndedPage.style.contains("@media (prefers-color-scheme: dark)"))
        #expect(EndedPage.html.contains(#"content="width=device-width, initial-scale=1""#))
    }
}
