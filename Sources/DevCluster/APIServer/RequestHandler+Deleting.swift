extension RequestHandler {
    /// Deletes one object.
    ///
    /// - Returns: The response of kube-apiserver: the object for Pods, Services, ServiceAccounts and pending deletions,
    ///   otherwise a `Status`.
    func delete(
        _ request: APIRequest,
        _ target: ResourceTarget,
        _ representation: Representation
    ) throws -> JSONValue {
        let options = try deleteOptions(request)
        switch try store.delete(
            target.kind,
            namespace: target.namespace,
            name: target.name ?? "",
            options: options
        )
        {
        case .pending(let object): return try representation.document(of: object)
        case .removed(let object):
            if Self.kindsReturnedWhenDeleted.contains(target.kind) { return try representation.document(of: object) }
            return [
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
                "details": .object(
                    [
                        "name": .string(object.name), "kind": .string(target.kind.plural), "uid": .string(object.uid),
                        "group": target.kind.group.isEmpty ? nil : .string(target.kind.group),
                    ].compactMapValues { $0 }
                ),
            ]
        }
    }

    private static let kindsReturnedWhenDeleted: Set<ResourceKind> = [.pods, .services, .serviceAccounts]

    func deleteCollection(_ request: APIRequest, _ target: ResourceTarget) throws -> [JSONValue] {
        let options = try deleteOptions(request)
        let matches = try selection(request, target.kind)
        return store.list(target.kind, namespace: target.namespace).items.filter(matches).compactMap { object in
            let deletion = try? store.delete(
                target.kind,
                namespace: object.namespace,
                name: object.name,
                options: options
            )
            return switch deletion {
            case .removed(let object)?, .pending(let object)?: object
            case nil: nil
            }
        }
    }

    /// The options in the body. Parameters of the same name take precedence.
    private func deleteOptions(_ request: APIRequest) throws -> ObjectStore.DeleteOptions {
        let body = request.body.isEmpty ? [:] : try json(request.body)
        var options = ObjectStore.DeleteOptions()
        options.preconditions.uid = body["preconditions", "uid"]?.stringValue
        options.preconditions.resourceVersion = body["preconditions", "resourceVersion"]?.stringValue
        options.gracePeriodSeconds = try request.number("gracePeriodSeconds") ?? body["gracePeriodSeconds"]?.intValue
        let isDryRunInBody = body["dryRun"]?.arrayValue?.contains("All") ?? false
        options.isDryRun = try isDryRun(request.query["dryRun"]) || isDryRunInBody
        if let text = request.query["propagationPolicy"] ?? body["propagationPolicy"]?.stringValue {
            guard let propagation = ObjectStore.Propagation(rawValue: text) else {
                throw StatusFailure(
                    code: 422,
                    reason: "Invalid",
                    message: """
                        DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "\(text)": \
                        supported values: "Foreground", "Background", "Orphan", "nil"
                        """
                )
            }
            options.propagation = propagation
        } else if body["orphanDependents"]?.boolValue == true {
            options.propagation = .orphan
        }
        return options
    }
}
