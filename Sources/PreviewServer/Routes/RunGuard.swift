internal import Hummingbird
internal import PreviewDomain
internal import PreviewIdentity

/// Reads the run from a request's path, and lets only those callers through who may do this to it.
struct RunGuard: Sendable {
    let access: RunAccess

    /// - Throws: 400 for a run id that cannot be one, else what ``RunAccess`` says.
    func run(_ context: PreviewRequestContext, for action: RunAction) async throws -> RunID {
        let run: RunID
        do {
            run = try RunID(try context.parameters.require("runId"))
        } catch let error as InvalidRunID {
            throw APIError(.badRequest, error.message)
        }
        try await access.authorize(try context.authenticatedCaller, to: action, on: run)
        return run
    }

    /// Whether the caller may do this to the run, beside what it was let through for.
    func allows(_ action: RunAction, on run: RunID, _ context: PreviewRequestContext) async throws -> Bool {
        do {
            try await access.authorize(try context.authenticatedCaller, to: action, on: run)
            return true
        } catch let denied as AccessDenied where denied.kind == .forbidden || denied.kind == .runNotFound {
            return false
        }
    }
}
