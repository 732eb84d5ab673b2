/// The executor of work that must continue when its caller is cancelled: the rest of a start whose grant is used, and
/// the deletion of the objects of a failed start.
///
/// Such work runs in a separate task that is bounded by its ``AnswerDeadline``. An unstructured task does not inherit
/// its creator's executor preference (SE-0417), so a deterministic simulation, which needs all work of a replica on one
/// executor, sets it here.
package enum UncancelledWork {
    /// The preferred executor of that work; nil for the global one.
    @TaskLocal package static var executor: (any TaskExecutor)?
}
