internal import KubernetesClient

extension DoctorCheck {
    static let permissionChecks = [
        DoctorCheck("PG401", .permissions, "the service has all required permissions") { context in
            let missing = try await context.accessResults(for: ServicePermissions.needed).filter { !$0.isAllowed }
            guard missing.isEmpty else {
                return .failure(
                    "\(context.serviceUser) lacks permission to \(missing.map(\.description).joined(separator: ", "))",
                    remedy: "kubectl apply -f k8s/base/rbac.yaml"
                )
            }
            return .ok("as \(context.serviceUser)")
        },
        DoctorCheck("PG402", .permissions, "the service has no unnecessary permissions") { context in
            let extra = try await context.accessResults(for: ServicePermissions.superfluous).filter(\.isAllowed)
            guard extra.isEmpty else {
                return .warning(
                    "\(context.serviceUser) also has permission to \(extra.map(\.description).joined(separator: ", "))",
                    remedy: """
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
    struct AccessResult: Sendable {
        let attributes: AccessReview.Attributes
        let isAllowed: Bool

        var description: String {
            let parts = [attributes.resource, attributes.subresource].compactMap(\.self).joined(separator: "/")
            return "\(attributes.verb) \(parts)\(attributes.group.isEmpty ? "" : ".\(attributes.group)")"
        }
    }

    /// Asks the API server whether the service may perform each action of the rules.
    ///
    /// As the service's own account, as in its pod, it asks with a SelfSubjectAccessReview; as any other account it asks with a
    /// SubjectAccessReview about the service's account.
    fileprivate func accessResults(for rules: [ServicePermissions.Rule]) async throws -> [AccessResult] {
        var results: [AccessResult] = []
        for rule in rules {
            for attributes in rule.attributes(
                namespace: namespace,
                gateway: gateway,
                gatewayNamespace: gatewayNamespace
            ) {
                results.append(AccessResult(attributes: attributes, isAllowed: try await isAllowed(attributes)))
            }
        }
        return results
    }

    private func isAllowed(_ attributes: AccessReview.Attributes) async throws -> Bool {
        if isService {
            let review = SelfSubjectAccessReview(AccessReview(attributes))
            return try await client.create(review, in: nil).review.status?.allowed == true
        }
        let groups = ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
        let review = SubjectAccessReview(AccessReview(attributes, user: serviceUser, groups: groups))
        return try await client.create(review, in: nil).review.status?.allowed == true
    }
}
