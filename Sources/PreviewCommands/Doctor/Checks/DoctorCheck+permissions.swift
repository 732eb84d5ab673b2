internal import KubernetesClient

extension DoctorCheck {
    static let permissionChecks = [
        DoctorCheck("PG401", .permissions, "the service has all required permissions") { context in
            let missing = try await context.answers(to: ServicePermissions.needed).filter { !$0.isAllowed }
            guard missing.isEmpty else {
                return .failure(
                    "\(context.serviceUser) lacks permission to \(missing.map(\.words).joined(separator: ", "))",
                    mend: "kubectl apply -f k8s/base/rbac.yaml"
                )
            }
            return .ok("as \(context.serviceUser)")
        },
        DoctorCheck("PG402", .permissions, "the service has no unnecessary permissions") { context in
            let extra = try await context.answers(to: ServicePermissions.superfluous).filter(\.isAllowed)
            guard extra.isEmpty else {
                return .warning(
                    "\(context.serviceUser) also has permission to \(extra.map(\.words).joined(separator: ", "))",
                    mend: """
                        kubectl get rolebindings,clusterrolebindings -A -o wide | grep preview-gateway, and remove what \
                        k8s/base/rbac.yaml does not have
                        """
                )
            }
            return .ok("as \(context.serviceUser)")
        },
    ]
}

extension DoctorContext {
    /// Whether the API server allows one action.
    struct Answer: Sendable {
        let question: AccessReview.Attributes
        let isAllowed: Bool

        var words: String {
            let parts = [question.resource, question.subresource].compactMap(\.self).joined(separator: "/")
            return "\(question.verb) \(parts)\(question.group.isEmpty ? "" : ".\(question.group)")"
        }
    }

    /// Asks the API server whether the service may perform each action of the rules.
    ///
    /// As the service's own account, as in its pod, it asks with a SelfSubjectAccessReview; as any other account it asks with a
    /// SubjectAccessReview about the service's account.
    fileprivate func answers(to rules: [ServicePermissions.Rule]) async throws -> [Answer] {
        var answers: [Answer] = []
        for rule in rules {
            for question in rule.questions(namespace: namespace, gateway: gateway, gatewayNamespace: gatewayNamespace) {
                answers.append(Answer(question: question, isAllowed: try await isAllowed(question)))
            }
        }
        return answers
    }

    private func isAllowed(_ question: AccessReview.Attributes) async throws -> Bool {
        if isService {
            let asked = SelfSubjectAccessReview(AccessReview(question))
            return try await client.create(asked, in: nil).review.status?.allowed == true
        }
        let groups = ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
        let asked = SubjectAccessReview(AccessReview(question, user: serviceUser, groups: groups))
        return try await client.create(asked, in: nil).review.status?.allowed == true
    }
}
