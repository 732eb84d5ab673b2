/// The default values that kube-apiserver, or a kind's schema, sets for absent members.
enum ObjectDefaults {
    static func apply(to object: inout JSONValue, of kind: ResourceKind) {
        for name in ["labels", "annotations", "finalizers", "ownerReferences"]
        where [[:], [], .null].contains(object["metadata", name]) {
            object["metadata", name] = nil
        }
        switch kind {
        case .namespaces: applyToNamespace(&object)
        case .pods: applyToPod(&object)
        case .services: applyToService(&object)
        case .events: applyToEvent(&object)
        case .gateways: applyToGateway(&object)
        case .httpRoutes: applyToRoute(&object)
        default: break
        }
    }

    private static func applyToNamespace(_ object: inout JSONValue) {
        object["metadata", "labels", "kubernetes.io/metadata.name"] = .string(object.name)
        object.setDefault(["kubernetes"], at: "spec", "finalizers")
        object.setDefault("Active", at: "status", "phase")
    }

    private static func applyToPod(_ object: inout JSONValue) {
        object.setDefault("Always", at: "spec", "restartPolicy")
        object.setDefault("ClusterFirst", at: "spec", "dnsPolicy")
        object.setDefault("default-scheduler", at: "spec", "schedulerName")
        object.setDefault(30, at: "spec", "terminationGracePeriodSeconds")
        object.setDefault([:], at: "spec", "securityContext")
        object.setDefault(true, at: "spec", "enableServiceLinks")
        object.changeElements(at: "spec", "containers") { container in
            let image = container["image"]?.stringValue ?? ""
            let isPinned = image.contains(":") && !image.hasSuffix(":latest")
            container.setDefault(isPinned ? "IfNotPresent" : "Always", at: "imagePullPolicy")
            container.setDefault([:], at: "resources")
            container.setDefault("/dev/termination-log", at: "terminationMessagePath")
            container.setDefault("File", at: "terminationMessagePolicy")
            container.changeElements(at: "ports") { $0.setDefault("TCP", at: "protocol") }
        }
        object.setDefault("Pending", at: "status", "phase")
        object.setDefault("BestEffort", at: "status", "qosClass")
    }

    private static func applyToService(_ object: inout JSONValue) {
        object.setDefault("ClusterIP", at: "spec", "type")
        object.setDefault("None", at: "spec", "sessionAffinity")
        if object["spec", "type"] != "ExternalName" {
            object.setDefault("Cluster", at: "spec", "internalTrafficPolicy")
            object.setDefault(["IPv4"], at: "spec", "ipFamilies")
            object.setDefault("SingleStack", at: "spec", "ipFamilyPolicy")
        }
        object.changeElements(at: "spec", "ports") { port in
            port.setDefault("TCP", at: "protocol")
            if let number = port["port"] { port.setDefault(number, at: "targetPort") }
        }
        object.setDefault(["loadBalancer": [:]], at: "status")
    }

    private static func applyToEvent(_ object: inout JSONValue) {
        for name in ["eventTime", "firstTimestamp", "lastTimestamp"] { object.setDefault(.null, at: name) }
        for name in ["reportingComponent", "reportingInstance"] { object.setDefault("", at: name) }
        object.setDefault([:], at: "source")
    }

    private static func applyToGateway(_ object: inout JSONValue) {
        object.changeElements(at: "spec", "listeners") { listener in
            listener.setDefault("Same", at: "allowedRoutes", "namespaces", "from")
            if listener["tls"] != nil {
                listener.setDefault("Terminate", at: "tls", "mode")
                listener.changeElements(at: "tls", "certificateRefs") { reference in
                    reference.setDefault("", at: "group")
                    reference.setDefault("Secret", at: "kind")
                }
            }
        }
        let waiting: (JSONValue) -> JSONValue = { type in
            [
                "type": type, "status": "Unknown", "reason": "Pending", "message": "Waiting for controller",
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            ]
        }
        object.setDefault(.array([waiting("Accepted"), waiting("Programmed")]), at: "status", "conditions")
    }

    private static func applyToRoute(_ object: inout JSONValue) {
        object.changeElements(at: "spec", "parentRefs") { reference in
            reference.setDefault("gateway.networking.k8s.io", at: "group")
            reference.setDefault("Gateway", at: "kind")
        }
        object.setDefault([["matches": [["path": ["type": "PathPrefix", "value": "/"]]]]], at: "spec", "rules")
        object.changeElements(at: "spec", "rules") { rule in
            rule.setDefault([["path": ["type": "PathPrefix", "value": "/"]]], at: "matches")
            rule.changeElements(at: "matches") { match in
                match.setDefault("PathPrefix", at: "path", "type")
                match.setDefault("/", at: "path", "value")
                match.changeElements(at: "headers") { $0.setDefault("Exact", at: "type") }
            }
            rule.changeElements(at: "backendRefs") { reference in
                reference.setDefault("", at: "group")
                reference.setDefault("Service", at: "kind")
                reference.setDefault(1, at: "weight")
            }
        }
    }
}

extension JSONValue {
    /// Sets a member if it is absent. Does nothing if a parent is not an object.
    fileprivate mutating func setDefault(_ value: JSONValue, at path: String...) {
        for length in path.indices {
            if let parent = self[path: path[..<length]], parent.objectValue == nil { return }
        }
        if self[path: path[...]] == nil { self[path: path[...]] = value }
    }

    /// Changes all elements of an array. Does nothing for other values.
    fileprivate mutating func changeElements(at path: String..., change: (inout JSONValue) -> Void) {
        guard case .array(var elements) = self[path: path[...]] else { return }
        for index in elements.indices { change(&elements[index]) }
        self[path: path[...]] = .array(elements)
    }
}
