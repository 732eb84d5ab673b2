import FoundationEssentials
import YAMLKit

extension RequestHandler {
    func create(_ request: APIRequest, _ target: ResourceTarget) throws -> JSONValue {
        let object = try body(request, target)
        if let namespace = object.namespace, !namespace.isEmpty, namespace != target.namespace {
            throw StatusFailure.badRequest(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        }
        return try store.create(
            target.kind,
            namespace: target.namespace,
            object,
            options: try writeOptions(request)
        )
    }

    func replace(_ request: APIRequest, _ target: ResourceTarget) throws -> JSONValue {
        let object = try body(request, target)
        guard object.name == target.name else {
            throw StatusFailure.badRequest(
                "the name of the object (\(object.name)) does not match the name on the URL (\(target.name ?? ""))"
            )
        }
        return try write(target, try writeOptions(request)) { old in
            if !object.uid.isEmpty, object.uid != old.uid {
                throw StatusFailure.conflict(
                    target.kind,
                    old.name,
                    "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(old.uid)"
                )
            }
            if object.resourceVersion.isEmpty, !Representation.isBuiltIn(target.kind) {
                let cause = StatusFailure.Cause(
                    reason: "FieldValueInvalid",
                    message: "Invalid value: 0x0: must be specified for an update",
                    field: "metadata.resourceVersion"
                )
                throw StatusFailure.invalid(target.kind, old.name, [cause])
            }
            old = object
        }
    }

    /// - Returns: The object, and whether the patch created it.
    func patch(_ request: APIRequest, _ target: ResourceTarget) throws -> (object: JSONValue, isNew: Bool) {
        let options = try writeOptions(request)
        switch request.contentType {
        case "application/json-patch+json":
            let document = try json(request.body)
            guard let patch = try? JSONPatch(document) else { throw unprocessablePatch }
            guard patch.operationCount <= JSONPatch.maxOperations else {
                throw StatusFailure(
                    code: 413,
                    reason: "RequestEntityTooLarge",
                    message: "The allowed maximum operations in a JSON patch is \(JSONPatch.maxOperations)"
                )
            }
            let object = try write(target, options) { object in
                guard (try? patch.apply(to: &object)) != nil else { throw unprocessablePatch }
            }
            return (object, false)
        case "application/merge-patch+json":
            let document = try objectDocument(request.body)
            return (try write(target, options) { MergePatch.apply(document, to: &$0) }, false)
        case "application/strategic-merge-patch+json" where Representation.isBuiltIn(target.kind):
            let document = try objectDocument(request.body)
            return (try write(target, options) { MergePatch.applyStrategically(document, to: &$0) }, false)
        case "application/apply-patch+yaml": return try apply(request, target, options)
        default:
            throw StatusFailure(
                code: 415,
                reason: "UnsupportedMediaType",
                message: """
                    the body of the request was in an unknown format - accepted media types include: \
                    application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml
                    """
            )
        }
    }

    private func apply(
        _ request: APIRequest,
        _ target: ResourceTarget,
        _ options: ObjectStore.WriteOptions
    ) throws -> (object: JSONValue, isNew: Bool) {
        guard let manager = request.query["fieldManager"], !manager.isEmpty else {
            let cause = StatusFailure.Cause(
                reason: "FieldValueRequired",
                message: "Required value: is required for apply patch",
                field: "fieldManager"
            )
            throw StatusFailure(
                code: 422,
                reason: "Invalid",
                message: "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: \(cause.message)",
                causes: [cause]
            )
        }
        var applied = try body(request, target)
        applied["metadata", "name"] = target.name.map(JSONValue.string)
        let wanted = applied
        guard wanted["metadata", "managedFields"] == nil else {
            throw StatusFailure.badRequest("metadata.managedFields must be nil")
        }
        let apply = ServerSideApply(manager: manager, isForced: request.flag("force"), now: store.now())
        return try store.apply(
            target.kind,
            namespace: target.namespace,
            name: target.name ?? "",
            part: target.part,
            options: options
        ) { object in
            try apply.merge(wanted, into: object, target.kind, part: target.part)
        }
    }

    private func write(
        _ target: ResourceTarget,
        _ options: ObjectStore.WriteOptions,
        _ mutate: (inout JSONValue) throws -> Void
    ) throws -> JSONValue {
        let name = target.name ?? ""
        return target.part == .main
            ? try store.update(target.kind, namespace: target.namespace, name: name, options: options, mutate)
            : try store.updateStatus(target.kind, namespace: target.namespace, name: name, options: options, mutate)
    }

    /// kube-apiserver gives the same message for every reason for which a JSON Patch does not apply.
    private var unprocessablePatch: StatusFailure {
        StatusFailure(
            code: 422,
            reason: "Invalid",
            message: "the server rejected our request due to an error in our request"
        )
    }

    private func writeOptions(_ request: APIRequest) throws -> ObjectStore.WriteOptions {
        var options = ObjectStore.WriteOptions()
        options.fieldManager = request.fieldManager
        options.isDryRun = try isDryRun(request.query["dryRun"])
        return options
    }

    func isDryRun(_ text: String?) throws -> Bool {
        guard let text, !text.isEmpty else { return false }
        guard text == "All" else {
            let cause = StatusFailure.Cause(
                reason: "FieldValueNotSupported",
                message: "Unsupported value: []string{\"\(text)\"}: supported values: \"All\"",
                field: "dryRun"
            )
            throw StatusFailure(code: 422, reason: "Invalid", message: "dryRun: \(cause.message)", causes: [cause])
        }
        return true
    }

    // MARK: Bodies

    /// The object in the body. Its `apiVersion` and `kind` are compared with the path.
    private func body(_ request: APIRequest, _ target: ResourceTarget) throws -> JSONValue {
        var object = try document(request)
        let version = target.kind.apiVersion(target.version)
        let found = object["apiVersion"]?.stringValue ?? version
        guard found == version else {
            throw StatusFailure.badRequest(
                "the API version in the data (\(found)) does not match the expected API version (\(version))"
            )
        }
        let kind = object["kind"]?.stringValue ?? target.kind.kind
        guard kind == target.kind.kind else {
            throw StatusFailure.badRequest(
                "\(kind) in version \"\(version)\" cannot be handled as a \(target.kind.kind)"
            )
        }
        for map in ["labels", "annotations"] {
            for (name, value) in object["metadata", map]?.objectValue ?? [:] where value.stringValue == nil {
                throw StatusFailure.badRequest(
                    "\(kind) in version \"\(target.version)\" cannot be handled as a \(kind): metadata.\(map).\(name) must be a string"
                )
            }
        }
        object["metadata"] = object["metadata"] ?? [:]
        return object
    }

    /// The object in the body, in any supported encoding.
    func document(_ request: APIRequest) throws -> JSONValue {
        switch request.contentType {
        case "", "application/json": return try objectDocument(request.body)
        case "application/yaml", "application/apply-patch+yaml": return try yaml(request.body)
        default:
            let isProtobuf = request.contentType == ProtobufBody.contentType
            guard isProtobuf, let object = ProtobufBody.object(in: request.body) else {
                throw StatusFailure(
                    code: 415,
                    reason: "UnsupportedMediaType",
                    message: """
                        the body of the request was in an unknown format - accepted media types include: \
                        application/json, application/yaml
                        """
                )
            }
            return object
        }
    }

    func json(_ bytes: [UInt8]) throws -> JSONValue {
        do {
            return try JSONParser.value(of: bytes)
        } catch {
            throw StatusFailure.badRequest("error decoding the body: \(error)")
        }
    }

    private func objectDocument(_ bytes: [UInt8]) throws -> JSONValue {
        let value = try json(bytes)
        guard value.objectValue != nil else { throw StatusFailure.badRequest("the body is not a JSON object") }
        return value
    }

    private func yaml(_ bytes: [UInt8]) throws -> JSONValue {
        if let value = try? JSONParser.value(of: bytes), value.objectValue != nil { return value }
        guard let document = try? YAMLNode.document(in: bytes),
            let value = try? JSONParser.value(of: Array(document.json.utf8)), value.objectValue != nil
        else {
            throw StatusFailure.badRequest("error decoding the body: not a YAML object")
        }
        return value
    }
}
