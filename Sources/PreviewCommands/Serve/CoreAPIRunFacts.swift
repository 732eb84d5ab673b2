internal import Basics
internal import CoreAPI
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// What the core API says about a run, as the gate needs it.
struct CoreAPIRunFacts: RunFactsSource {
    let runs: CoreRuns

    func facts(of run: RunID) async -> RunFacts? {
        guard let known = await runs.run(run) else { return nil }
        return RunFacts(
            approvesToolsAutomatically: known.autoApprovesTools,
            parent: known.parentRunID,
            isOver: known.isOver
        )
    }

    func forget(_ run: RunID) { runs.forget(run) }
}
