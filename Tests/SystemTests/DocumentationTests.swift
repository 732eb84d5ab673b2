import Foundation
import Testing

@Suite("Documentation")
struct DocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// A page that nothing leads to is not read.
    @Test(arguments: ["README.md: Docs", "Docs/Decisions/README.md: Docs/Decisions"])
    func everyPageIsListed(list: String) throws {
        let parts = list.split(separator: ": ").map(String.init)
        let list = try Self.text(parts[0])
        let pages = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: parts[1]).path)
            .filter { $0.hasSuffix(".md") && $0 != "README.md" }
        #expect(!pages.isEmpty)
        for page in pages { #expect(list.contains("\(page))"), "\(parts[0]) does not lead to \(page)") }
    }

    /// What a page of Docs leads to is there.
    @Test func everyLinkLeadsSomewhere() throws {
        let folders = ["Docs", "Docs/Decisions", "k8s", "Sources/DevCluster"]
        var pages = ["README.md"]
        for folder in folders {
            let names = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: folder).path)
            pages += names.filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
        }
        for page in pages {
            let folder = Self.root.appending(path: page).deletingLastPathComponent()
            for match in try Self.text(page).matches(of: /\]\(([^)#\s]+)(#[^)]*)?\)/) {
                let target = String(match.1)
                guard !target.contains(":") else { continue }
                let exists = FileManager.default.fileExists(atPath: folder.appending(path: target).standardized.path)
                #expect(exists, "\(page) leads to \(target)")
            }
        }
    }
}
