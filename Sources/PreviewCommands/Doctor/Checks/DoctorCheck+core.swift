internal import Basics
internal import CoreAPI
internal import PreviewDomain
internal import PreviewIdentity

extension DoctorCheck {
    /// The identifier of a run that does not exist.
    private static let noRun = "00000000-0000-4000-8000-000000000000"

    static let coreChecks = [
        DoctorCheck(
            "PG601",
            .core,
            "the core API answers, and accepts the service key",
            pre: true,
            needsCluster: false
        ) { context in
            guard let base = context.coreAPI else { return .skipped("\(Settings.Keys.coreAPI.key) is not set") }
            let client = CoreAPIClient(base: base, transport: context.platform)
            let bearer = context.serviceKey?.bearer.value ?? "nobody"
            do throws(CoreAPIError) {
                _ = try await client.run(try nonexistentRun(), bearer: bearer)
                return .ok("it answers")
            } catch {
                // Without a key such a response shows only that the core API can be reached.
                if context.serviceKey == nil, [.notFound, .forbidden, .unauthorized].contains(error.kind) {
                    let key = IdentitySettings.Keys.apiKey.key
                    return .skipped("it answers; the key is not checked: \(key) is not set")
                }
                switch error.kind {
                case .notFound: return .ok("it accepts the key; runs are read with the service key")
                case .forbidden: return .ok("it accepts the key; runs are read with the callers' own bearer tokens")
                case .unauthorized:
                    return .failure(
                        "it does not accept the service key",
                        remedy: """
                            set \(IdentitySettings.Keys.apiKey.key) of the core API and of its workers to the key in the \
                            Secret \(ServiceObjects.name) (Docs/Operations.md, "The service key of the platform")
                            """
                    )
                default:
                    return .failure(
                        error.message,
                        remedy: """
                            kubectl get pods -n \(context.namespace) -l app=\(ServiceObjects.coreAPI); NetworkPolicy \
                            allow-preview-gateway-to-api
                            """
                    )
                }
            }
        }
    ]

    /// ``noRun`` as a value.
    static func nonexistentRun() throws(CoreAPIError) -> RunID {
        do { return try RunID(noRun) } catch { throw CoreAPIError(.rejected, "the run ID is invalid") }
    }
}
