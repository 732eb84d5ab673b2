import Foundation
import TestSupport
import Testing

@Suite("Documentation", .timeLimit(.minutes(1)))
struct DocumentationTests {
    /// A page without a link to it is not found.
    @Test(arguments: ["README.md: Docs", "Docs/Decisions/README.md: Docs/Decisions"])
    func everyPageIsListed(list: String) throws {
        let parts = list.split(separator: ": ").map(String.init)
        let list = try ProjectFiles.text(parts[0])
        let pages = try FileManager.default.contentsOfDirectory(atPath: ProjectFiles.path(parts[1]))
            .filter { $0.hasSuffix(".md") && $0 != "README.md" }
        #expect(!pages.isEmpty)
        for page in pages { #expect(list.contains("\(page))"), "\(parts[0]) does not lead to \(page)") }
    }

    /// The anchors that GitHub makes of a page's headings.
    private static func anchors(of page: String) -> Set<String> {
        let headings = page.split(separator: "\n").filter { $0.hasPrefix("#") }
        return Set(
            headings.map { heading in
                let text = heading.drop { $0 == "#" || $0 == " " }.lowercased()
                return String(
                    text.compactMap { character -> Character? in
                        if character == " " { return "-" }
                        return character.isLetter || character.isNumber || "-_".contains(character) ? character : nil
                    }
                )
            }
        )
    }

    /// Every relative link on a page has a target that exists, and so has its anchor.
    @Test func everyLinkLeadsSomewhere() throws {
        let folders = ["Docs", "Docs/Decisions", "k8s", "Sources/DevCluster"]
        var pages = ["README.md"]
        for folder in folders {
            let names = try FileManager.default.contentsOfDirectory(atPath: ProjectFiles.path(folder))
            pages += names.filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
        }
        for page in pages {
            let folder = URL(filePath: ProjectFiles.path(page)).deletingLastPathComponent()
            for match in try ProjectFiles.text(page).matches(of: /\]\(([^)#\s]*)#?([^)\s]*)\)/) {
                let (target, anchor) = (String(match.1), String(match.2))
                guard !target.contains(":") else { continue }
                let path = target.isEmpty ? URL(filePath: ProjectFiles.path(page)) : folder.appending(path: target)
                let file = path.standardized
                let exists = FileManager.default.fileExists(atPath: file.path)
                #expect(exists, "\(page) leads to \(target)")
                guard exists, !anchor.isEmpty else { continue }
                let anchors = Self.anchors(of: try String(contentsOf: file, encoding: .utf8))
                #expect(anchors.contains(anchor), "\(page) leads to \(target)#\(anchor)")
            }
        }
    }

    /// Every promise in Docs/Reliability.md names at least one test, and every named test exists.
    @Test func everyPromiseNamesTestsThatExist() throws {
        let rows = try ProjectFiles.text("Docs/Reliability.md").split(separator: "\n").compactMap { line in
            line.prefixMatch(of: /\| (I[0-9]+) \|/).map { (promise: String($0.1), row: line) }
        }
        #expect(Set(rows.map(\.promise)) == Set((1...17).map { "I\($0)" }))
        let files = FileManager.default.enumerator(atPath: ProjectFiles.path("Tests"))?.compactMap { $0 as? String }
        let sources = try (files ?? []).filter { $0.hasSuffix("Tests.swift") }
            .map { try ProjectFiles.text("Tests/\($0)") }
            .joined(separator: "\n")
        for (promise, row) in rows {
            let names = row.matches(of: /`([a-z][A-Za-z0-9]{20,})`/).map { String($0.1) }
            #expect(!names.isEmpty, "\(promise) names no test")
            for name in names { #expect(sources.contains("func \(name)("), "\(promise) names \(name)") }
        }
    }

    /// The table of folders contains every folder, with line counts that are approximately right.
    @Test func everyFolderIsInTheTable() throws {
        let page = try ProjectFiles.text("Docs/Architecture.md")
        var rows: [String: Int] = [:]
        for match in page.matches(of: /\| `(Sources\/[A-Za-z\/-]+)` \| \d+ \| (\d+) \|/) {
            rows[String(match.1)] = Int(match.2)
        }
        var lines: [String: Int] = [:]
        let sources = try #require(FileManager.default.enumerator(atPath: ProjectFiles.path("Sources")))
        for case let path as String in sources where path.hasSuffix(".swift") {
            let folder = "Sources/" + path.split(separator: "/").dropLast().joined(separator: "/")
            let text = try ProjectFiles.text("Sources/\(path)")
            lines[folder, default: 0] += text.utf8.count { $0 == UInt8(ascii: "\n") }
        }
        // The executables have one file each, which the table of parts lists.
        lines = lines.filter { !$0.key.hasPrefix("Sources/preview-") }
        #expect(Set(rows.keys) == Set(lines.keys))
        for (folder, count) in lines {
            let said = rows[folder] ?? 0
            #expect(abs(said - count) <= max(20, count / 10), "\(folder): run .ci/folders")
        }
    }
}
