extension ObjectStore {
    /// The addresses for Services: `10.96.0.0/16`, without the first address and the API server's `10.96.0.1`.
    private static let clusterIPs = 2..<65_535

    /// Allocates the address of a new Service.
    func allocate(_ kind: ResourceKind, _ object: inout JSONValue, _ state: inout State) throws {
        guard kind == .services, object["spec", "type"] != "ExternalName" else { return }
        if let wanted = object["spec", "clusterIP"]?.stringValue, !wanted.isEmpty {
            if wanted != "None", state.clusterIPs.contains(wanted) {
                let cause = StatusFailure.Cause(
                    reason: "FieldValueInvalid",
                    message:
                        "Invalid value: \"\(wanted)\": failed to allocate IP \(wanted): provided IP is already allocated",
                    field: "spec.clusterIPs"
                )
                throw StatusFailure.invalid(kind, object.name, [cause])
            }
            object["spec", "clusterIPs"] = [.string(wanted)]
            return
        }
        for _ in Self.clusterIPs {
            state.lastClusterIP = Self.clusterIPs.contains(state.lastClusterIP + 1) ? state.lastClusterIP + 1 : 2
            let address = "10.96.\(state.lastClusterIP / 256).\(state.lastClusterIP % 256)"
            guard !state.clusterIPs.contains(address) else { continue }
            object["spec", "clusterIP"] = .string(address)
            object["spec", "clusterIPs"] = [.string(address)]
            return
        }
        throw StatusFailure(
            code: 500,
            reason: "InternalError",
            message: "failed to allocate a serviceIP: range is full"
        )
    }
}
