/// Decides whether a user may perform an action.
struct Authorizer: Sendable {
    /// The action and the user.
    struct Attributes: Sendable, Hashable {
        var user: String
        var groups: [String]
        var verb: String
        var group = ""
        var resource = ""
        var subresource = ""
        var namespace = ""
        var name = ""
        /// The path of a request that concerns no resource; otherwise empty.
        var path = ""
    }

    let mode: APIServer.AuthorizationMode
    let store: ObjectStore

    func allows(_ attributes: Attributes) -> Bool {
        if mode == .alwaysAllow || attributes.groups.contains(APIUser.administrators) { return true }
        if !attributes.path.isEmpty {
            let isAuthenticated = attributes.groups.contains(APIUser.authenticated)
            return Self.isPublic(attributes.path) || isAuthenticated && Self.isDiscovery(attributes.path)
        }
        for binding in store.list(.clusterRoleBindings).items where binds(binding, attributes) {
            if rules(of: binding, in: "").contains(where: { permits($0, attributes) }) { return true }
        }
        guard !attributes.namespace.isEmpty else { return false }
        for binding in store.list(.roleBindings, namespace: attributes.namespace).items where binds(binding, attributes)
        {
            if rules(of: binding, in: attributes.namespace).contains(where: { permits($0, attributes) }) { return true }
        }
        return false
    }

    /// Whether everybody may read a path, as `system:public-info-viewer` allows it.
    private static func isPublic(_ path: String) -> Bool {
        ["/healthz", "/livez", "/readyz", "/version", "/version/"].contains(path)
    }

    /// Whether every authenticated user may read a path, as `system:discovery` allows it.
    private static func isDiscovery(_ path: String) -> Bool {
        ["/api", "/apis", "/openapi"].contains { path == $0 || path.hasPrefix("\($0)/") }
    }

    private func binds(_ binding: JSONValue, _ attributes: Attributes) -> Bool {
        (binding["subjects"]?.arrayValue ?? []).contains { subject in
            let name = subject["name"]?.stringValue ?? ""
            return switch subject["kind"]?.stringValue {
            case "User": name == attributes.user
            case "Group": attributes.groups.contains(name)
            case "ServiceAccount":
                attributes.user
                    == "system:serviceaccount:\(subject["namespace"]?.stringValue ?? binding.namespace ?? ""):\(name)"
            default: false
            }
        }
    }

    private func rules(of binding: JSONValue, in namespace: String) -> [JSONValue] {
        let name = binding["roleRef", "name"]?.stringValue ?? ""
        let role =
            binding["roleRef", "kind"] == "Role"
            ? store.get(.roles, namespace: namespace, name: name)
            : store.get(.clusterRoles, namespace: nil, name: name)
        return role?["rules"]?.arrayValue ?? []
    }

    private func permits(_ rule: JSONValue, _ attributes: Attributes) -> Bool {
        let list: (String) -> [String] = { rule[$0]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        let has: (String, String) -> Bool = { list($0).contains("*") || list($0).contains($1) }
        let resource =
            attributes.subresource.isEmpty ? attributes.resource : "\(attributes.resource)/\(attributes.subresource)"
        let names = list("resourceNames")
        return has("verbs", attributes.verb) && has("apiGroups", attributes.group)
            && (has("resources", resource)
                || (!attributes.subresource.isEmpty && list("resources").contains("*/\(attributes.subresource)")))
            && (names.isEmpty || names.contains(attributes.name))
    }
}
