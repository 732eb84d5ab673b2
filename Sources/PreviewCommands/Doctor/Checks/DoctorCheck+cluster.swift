internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesModel

extension DoctorCheck {
    /// The first minor version of Kubernetes 1 in which all fields of the service's manifests are stable. The last one to
    /// become stable was `endPort` of a NetworkPolicy.
    private static let minMinorVersion = 25
    /// A larger offset of the local clock is a warning. Previews are not affected by it, because the service uses the API
    /// server's time.
    private static let maxSkew = Duration.seconds(5)

    static let clusterChecks = [
        DoctorCheck("PG101", .cluster, "the API server answers, and its version is supported", pre: true) { context in
            let version = try await context.client.serverVersion()
            guard version.major > 1 || version.minor >= minMinorVersion else {
                return .failure(
                    "Kubernetes \(version) is older than 1.\(minMinorVersion)",
                    remedy: "upgrade the cluster; older ones ignore the ports' range in NetworkPolicies"
                )
            }
            return .ok("Kubernetes \(version)")
        },
        DoctorCheck("PG102", .cluster, "this machine's clock matches the API server's", pre: true) { context in
            _ = try await context.client.serverVersion()
            guard let skew = context.client.serverClock.skew(of: Date()) else {
                return .skipped("the API server's time is unknown")
            }
            guard abs(skew / .seconds(1)) <= maxSkew / .seconds(1) else {
                return .warning(
                    "this machine is off by \(Int(skew / .seconds(1))) s",
                    remedy: "synchronise its time, for example with: timedatectl set-ntp true"
                )
            }
            return .ok("within \(Int(maxSkew / .seconds(1))) s")
        },
        DoctorCheck("PG103", .cluster, "the namespace exists", pre: true) { context in
            do {
                let found = try await context.client.getMetadata(
                    of: InspectedNamespace.self,
                    named: context.namespace,
                    in: nil
                )
                guard found.metadata.deletionTimestamp == nil else {
                    return .failure("\(context.namespace) is being deleted", remedy: "wait, and install it again")
                }
                return .ok(context.namespace)
            } catch let error as KubernetesError where error.isNotFound {
                return .failure(
                    "there is no namespace \(context.namespace)",
                    remedy: "kubectl create namespace \(context.namespace), or set \(Settings.Keys.namespace.key)"
                )
            }
        },
    ]
}
