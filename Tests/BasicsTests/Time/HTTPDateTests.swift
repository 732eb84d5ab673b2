import Basics
import FoundationEssentials
import Testing

@Suite(.timeLimit(.minutes(10))) struct HTTPDateTests {
    @Test("An IMF-fixdate is read, any other format is not")
    func anIMFFixdateIsReadAndOtherFormatsAreNot() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT")?.timeIntervalSince1970 == 784_111_777)
        for text in [
            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT", "", "Sun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            #expect(HTTPDate.parse(text) == nil, "\(text)")
        }
    }
}
