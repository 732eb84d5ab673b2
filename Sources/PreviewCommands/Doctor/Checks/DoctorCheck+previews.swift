internal import PreviewControl
internal import PreviewDomain

extension DoctorCheck {
    static let previewChecks = [
        DoctorCheck("PG701", .previews, "no preview is overdue or incomplete") { context in
            let connection = context.connection
            let sweep = SingleSweep(
                policy: connection.policy,
                objects: connection.objects,
                clusterTime: connection.time
            )
            let report: ReapReport
            do throws(ClusterError) { report = try await sweep.inspect() } catch {
                // What the account may not read is skipped, as in every check.
                guard error.kind != .refused else { throw error }
                return .failure(
                    "the cluster's previews could not be read: \(error.detail)",
                    remedy: "kubectl get httproutes,services -n \(context.namespace)"
                )
            }
            let due = report.entries.filter { if case .reap = $0.decision { true } else { false } }
            guard due.isEmpty else {
                return .warning(
                    "due, but not deleted: \(due.map(\.token.fingerprint).joined(separator: ", "))",
                    remedy: "preview-gateway reap --once --dry-run prints why; without --dry-run it deletes them"
                )
            }
            return .ok("\(report.entries.count) in all")
        }
    ]
}
