internal import FoundationEssentials

/// The files of this package.
public enum ProjectFiles {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The path of a file or folder.
    ///
    /// - Parameter relative: Its path in the package's folder.
    public static func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// The text of a file.
    public static func text(_ relative: String) throws -> String {
        try String(contentsOfFile: path(relative), encoding: .utf8)
    }
}
