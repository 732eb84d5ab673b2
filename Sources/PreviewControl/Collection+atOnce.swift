extension Collection where Element: Sendable {
    /// Runs `body` for every element, some at once, and returns when all are done.
    ///
    /// - Parameter limit: How many at once.
    func forEach(atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (position, element) in enumerated() {
                if position >= limit { await group.next() }
                group.addTask { await body(element) }
            }
        }
    }
}
