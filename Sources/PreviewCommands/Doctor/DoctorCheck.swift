/// One thing that is looked at.
struct DoctorCheck: Sendable {
    enum Group: String, Sendable, CaseIterable {
        case cluster, resources, gateway, permissions, network, core, previews
    }

    /// Stable: scripts and Docs/Doctor.md name it.
    let id: String
    let group: Group
    /// What is to be so.
    let title: String
    /// Whether it makes sense before the service is installed.
    let isPreInstallation: Bool
    let look: @Sendable (DoctorContext) async throws -> DoctorFinding

    init(
        _ id: String,
        _ group: Group,
        _ title: String,
        pre isPreInstallation: Bool = false,
        _ look: @escaping @Sendable (DoctorContext) async throws -> DoctorFinding
    ) {
        self.id = id
        self.group = group
        self.title = title
        self.isPreInstallation = isPreInstallation
        self.look = look
    }

    /// All checks, in the order in which they are made.
    static let all: [DoctorCheck] =
        clusterChecks + resourceChecks + gatewayChecks + exposureChecks + endedPageChecks + permissionChecks
        + networkChecks + coreChecks + platformChecks + previewChecks
}
