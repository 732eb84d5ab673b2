import FoundationEssentials

extension JSONValue {
    /// The condition of a type in `status.conditions`.
    package func condition(_ type: String) -> JSONValue? {
        self["status", "conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
    }

    /// Whether `status.conditions` contains the type with status `True`.
    package func hasCondition(_ type: String) -> Bool {
        condition(type)?["status"]?.stringValue == "True"
    }

    /// Returns the list of conditions with some of them set (Kubernetes API conventions, "Typical status properties").
    ///
    /// `lastTransitionTime` changes only with the status, so that equal states result in equal lists.
    ///
    /// - Parameters:
    ///   - states: The types and their states. New types are appended in this order.
    ///   - generation: The `metadata.generation` to which they apply; `nil` for kinds without it.
    func settingConditions(
        _ states: [(type: String, state: GatewayPlan.ConditionState)],
        generation: JSONValue?,
        now: Date
    ) -> JSONValue {
        var conditions = arrayValue ?? []
        for (type, state) in states {
            let status: JSONValue = state.isTrue ? "True" : "False"
            let index = conditions.firstIndex { $0["type"]?.stringValue == type }
            let old = index.map { conditions[$0] }
            let isSame = old?["status"] == status
            var condition: JSONValue = [
                "type": .string(type), "status": status, "reason": .string(state.reason),
                "message": .string(state.message),
                "lastTransitionTime": isSame
                    ? old?["lastTransitionTime"] ?? .string(Timestamp.text(now)) : .string(Timestamp.text(now)),
            ]
            condition["observedGeneration"] = generation
            if let index { conditions[index] = condition } else { conditions.append(condition) }
        }
        return .array(conditions)
    }
}
