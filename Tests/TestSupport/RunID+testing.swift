public import PreviewDomain

extension RunID {
    /// The run of tests that need only one.
    public static let sample = known("3f2a9c1e-0000-4000-8000-000000000001")

    /// The run with this ID, which must be valid.
    public static func known(_ text: String) -> RunID {
        guard let run = try? RunID(text) else { preconditionFailure("not a run ID: \(text)") }
        return run
    }
}
