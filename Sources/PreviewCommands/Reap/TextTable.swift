/// Text in columns, as kubectl prints it: aligned to the left, three spaces between columns, none at a line's end.
struct TextTable: Sendable {
    let header: [String]
    let rows: [[String]]

    var lines: [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, text in
                let isLast = column == row.count - 1
                return isLast ? text : text + String(repeating: " ", count: widths[column] - text.count + 3)
            }.joined()
        }
    }
}
