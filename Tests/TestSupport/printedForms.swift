/// The texts in which a value can be printed: interpolated, for debugging, and dumped.
public func printedForms(of value: Any) -> [String] {
    var dumped = ""
    dump(value, to: &dumped)
    return ["\(value)", String(reflecting: value), dumped, "\([value])", "\(Optional(value) as Any)"]
}
