/// What one check found.
struct DoctorFinding: Hashable, Sendable {
    enum Status: String, Sendable, CaseIterable {
        case ok, warning, failure
        /// It could not be looked at, or does not apply.
        case skipped
    }

    let status: Status
    /// What is so, in one line.
    let detail: String
    /// What mends it: a command where there is one.
    let mend: String?

    static func ok(_ detail: String) -> DoctorFinding { DoctorFinding(status: .ok, detail: detail, mend: nil) }
    static func skipped(_ detail: String) -> DoctorFinding {
        DoctorFinding(status: .skipped, detail: detail, mend: nil)
    }
    static func warning(_ detail: String, mend: String) -> DoctorFinding {
        DoctorFinding(status: .warning, detail: detail, mend: mend)
    }
    static func failure(_ detail: String, mend: String) -> DoctorFinding {
        DoctorFinding(status: .failure, detail: detail, mend: mend)
    }
}
