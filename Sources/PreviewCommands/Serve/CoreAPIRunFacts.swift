internal import CoreAPI
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// What the core API says about a run, asked under the service key.
struct CoreAPIRunFacts: RunFactsSource {
    let client: CoreAPIClient
    let key: @Sendable () -> ServiceKey

    func facts(of run: RunID) async -> RunFacts? {
        guard let known = try? await client.run(run, bearer: key().bearer.value) else { return nil }
        return RunFacts(approvesToolsAutomatically: known.autoApprovesTools, parent: known.parentRunID)
    }
}
