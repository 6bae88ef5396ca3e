//! Chance that is the same on every machine.

/// Marsaglia's xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Bits of syntax, in any order: fewer than `length` of them.
    pub(crate) fn text(&mut self, alphabet: &[&str], length: usize) -> String {
        let length = self.below(length);
        (0..length).map(|_| *self.pick(alphabet)).collect()
    }

    /// Fewer than `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let length = self.below(length);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
