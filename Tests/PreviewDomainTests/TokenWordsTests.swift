import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct TokenWordsTests {
    @Test func oneBytePicksEveryWordWithTheSameChance() {
        #expect(TokenWords.all.count == 256)
        #expect(Set(TokenWords.all).count == 256)
    }

    @Test func wordsAreShortLowercaseAndInOrder() {
        #expect(TokenWords.all == TokenWords.all.sorted())
        for word in TokenWords.all {
            #expect((2...7).contains(word.utf8.count), "\(word)")
            #expect(word.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }, "\(word)")
        }
    }

    @Test func noWordIsAReservedName() {
        #expect(PreviewToken.reserved.isDisjoint(with: TokenWords.all))
    }
}
