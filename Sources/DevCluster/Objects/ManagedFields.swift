extension ObjectStore {
    /// Notes in `metadata.managedFields` who wrote what.
    func recordManager(_ manager: String, of object: inout JSONValue, replacing old: JSONValue?, part: Part) {}
}
