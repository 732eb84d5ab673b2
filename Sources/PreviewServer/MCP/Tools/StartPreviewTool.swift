internal import Basics
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// `start_preview`: requests a preview as the run's agent does, and waits if a human has to approve.
struct StartPreviewTool: Tool {
    let gate: AgentPreviewGate
    let previews: Previews
    let waiting: WaitingCalls
    let access: RunAccess
    let address: PreviewAddress

    let action = RunAction.startAsAgent

    func longestWait(_ arguments: [String: JSONValue]) -> Duration? { gate.approvalWindow }

    var definition: ToolDefinition {
        let ports = previews.ports.allowed
        return ToolDefinition(
            name: "start_preview",
            title: "Start a preview",
            description: """
                Makes a web server that already runs inside the sandbox of an Agentweaver run reachable at an HTTPS \
                URL that the user can open. \(AgentGuide.server) \(AgentGuide.ports(previews.ports)) \
                \(AgentGuide.timeout) The owner approves on the run's page in Agentweaver. As long as the preview lives, the \
                same call returns it. The result's readiness and detail say whether it works, and what to do if not. A preview \
                ends when it is idle or stopped, and with its sandbox. The URL is a secret: show it to the user only.
                """,
            arguments: [
                ArgumentName.run: ArgumentSchema.run,
                ArgumentName.port: [
                    "type": "integer", "minimum": .integer(ports.lowerBound), "maximum": .integer(ports.upperBound),
                    "description": "The port on which the server listens.",
                ],
            ],
            output: SessionSchema.json,
            effect: .ensures
        )
    }

    func call(
        _ arguments: ToolArguments,
        on run: RunID,
        by caller: Caller,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> ToolResult {
        let port = try arguments.integer(ArgumentName.port)
        do {
            let started = try await waiting.wait(for: run) {
                try await gate.start(run: run, port: port, requester: caller.identity) { approval in
                    report(Self.pendingMessage(approval))
                }
            }
            return try ToolResult(
                text(started.session),
                SessionBody(started.session, run: run, address: address)
            )
        } catch let error as PreviewError where error.kind == .limitReached {
            throw PreviewError(
                .limitReached,
                // The limit may have been reached while a human decided.
                error.message + (await ResponseDeadline.renew { await stoppablePreviews(run, caller) }),
                retryAfter: error.retryAfter
            )
        }
    }

    private static func pendingMessage(_ approval: Approval) -> String {
        """
        Request \(approval.id.displayID) waits until a human approves it: \(approval.question) \
        \(DecisionInstructions.description(run: approval.run.text, requestID: approval.id.text))
        """
    }

    private func text(_ session: PreviewSession) -> String {
        let url = address.previewURL(session.token).value
        var sentences =
            session.readiness.isReady
            ? ["The preview works. Give the user this URL: \(url)"]
            : ["The preview exists but does not work yet. Its URL: \(url)"]
        if let detail = session.readiness.detail { sentences.append(detail) }
        sentences.append(
            """
            It ends at \(RFC3339.string(session.expiresAt)) unless it is kept alive, and at \
            \(RFC3339.string(session.maxUntil)) at the latest. To end it before, call stop_preview with session_id \
            \(session.token.text).
            """
        )
        return sentences.joined(separator: "\n")
    }

    /// The run's own previews, for a caller that has to stop one of them.
    private func stoppablePreviews(_ run: RunID, _ caller: Caller) async -> String {
        guard (try? await access.authorize(caller, to: .list, on: run)) != nil,
            let sessions = try? await previews.list(run: run), !sessions.isEmpty
        else { return "" }
        let list = sessions.map { "\n- \($0.line)" }.joined()
        return "\nPreviews of this run, which stop_preview can end:\(list)\n"
    }
}

extension PreviewSession {
    /// One line for a list, without the URL.
    var line: String {
        let port = targetPort.map { "port \($0)" } ?? "an unknown port"
        return "session_id \(token.text): \(port), until \(RFC3339.string(expiresAt))"
    }
}

/// Where the run's owner can decide about a request, in words for a model.
enum DecisionInstructions {
    /// - Parameters:
    ///   - run: The run ID, or a placeholder for it.
    ///   - requestID: The request's ID, if it is known.
    static func description(run: String, requestID: String? = nil) -> String {
        let body = requestID.map { " and {\"request_id\": \"\($0)\"}" } ?? ""
        return """
            The run's owner decides on the run's page in Agentweaver, in the approval card, or with POST \
            /api/runs/\(run)/tool-approvals\(body).
            """
    }
}
