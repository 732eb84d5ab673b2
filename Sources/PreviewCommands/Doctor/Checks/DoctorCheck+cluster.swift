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

    /// The check that every other check of the cluster depends on.
    static let apiServerCheck = DoctorCheck(
        "PG101",
        .cluster,
        "the API server answers, and its version is supported",
        pre: true
    ) { context in
        let version = try await context.client.serverVersion()
        guard version.major > 1 || version.minor >= minMinorVersion else {
            return .failure(
                "Kubernetes \(version) is older than 1.\(minMinorVersion)",
                remedy: "upgrade the cluster; older ones ignore the ports' range in NetworkPolicies"
            )
        }
        return .ok("Kubernetes \(version)")
    }

    static let clusterChecks = [
        apiServerCheck,
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

extension DoctorContext {
    /// The time limit of the request that shows whether the API server answers. The time to connect has its own, shorter one.
    static let answerTimeout = Duration.seconds(8)

    /// The finding of ``DoctorCheck/apiServerCheck`` if the API server does not answer; `nil` if it does, or refuses the request.
    ///
    /// There is one attempt. With the retries of other requests, each check would wait for up to half a minute.
    func findingWithoutAnswer() async -> DoctorFinding? {
        var limits = client.limits
        limits.attemptTimeout = Self.answerTimeout
        do {
            _ = try await client.limited(to: limits).serverVersion(retries: false)
            return nil
        } catch let error as KubernetesError {
            let problem: String
            switch error.kind {
            case .transport: problem = "cannot be reached: \(error.explanation ?? error.kind.label)"
            case .unavailable: problem = "does not work: it answers \(error.statusCode ?? 503)"
            default: return nil
            }
            return .failure(
                "the API server at \(client.server) \(problem)",
                remedy: "check the address, and whether this machine can reach it: kubectl version"
            )
        } catch {
            return nil
        }
    }
}
