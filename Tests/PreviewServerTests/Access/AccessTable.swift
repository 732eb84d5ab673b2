/// The table of Docs/Access.md, generated from the routes that the tests check.
enum AccessTable {
    /// The comments that enclose the table in the document.
    static let markers = (start: "<!-- The access table: made by a test -->", end: "<!-- End of the access table -->")

    static let document = "Docs/Access.md"

    static var markdown: String {
        let identities = AccessIdentity.allCases
        let header = ["route"] + identities.map(\.rawValue)
        let rows = AccessRoute.all.map { route in
            ["`\(route.method) \(route.path)`"] + identities.map { cell(route, $0) }
        }
        let lines = [header, header.map { _ in "---" }] + rows
        return lines.map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }

    /// One status if it is the same for every run, otherwise one for each run.
    private static func cell(_ route: AccessRoute, _ identity: AccessIdentity) -> String {
        let statuses = AccessRoute.Run.allCases.map { "\(route.expected(identity, $0))" }
        return Set(statuses).count == 1 ? statuses[0] : statuses.joined(separator: " · ")
    }

    /// The document with the current table; `nil` if the comments are missing.
    static func updated(_ text: String) -> String? {
        guard let start = text.firstRange(of: markers.start), let end = text.firstRange(of: markers.end),
            start.upperBound <= end.lowerBound
        else { return nil }
        return "\(text[..<start.upperBound])\n\n\(markdown)\n\n\(text[end.lowerBound...])"
    }
}
