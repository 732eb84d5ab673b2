internal import CBuildInfo
internal import PreviewServer

extension BuildInfo {
    /// The build that runs.
    static let current = BuildInfo(
        version: String(cString: cbuildinfo_version()),
        commit: String(cString: cbuildinfo_commit()),
        date: String(cString: cbuildinfo_date())
    )

    /// One line for `--version`.
    var line: String { "\(version) (commit \(commit), \(date))" }
}
