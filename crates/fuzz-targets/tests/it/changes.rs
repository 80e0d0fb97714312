//! Changed forms of an input, always the same for the same seed.

/// Numbers that depend only on the seed.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// Returns an input with one to four changes. Some take bytes of `other`.
pub(crate) fn changed(
    input: &[u8],
    other: &[u8],
    words: &[&str],
    numbers: &mut Numbers,
) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=numbers.below(4) {
        change(&mut bytes, other, words, numbers);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    let end = (at + 1 + numbers.below(16)).min(bytes.len());
    match numbers.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
        1 if at < bytes.len() => {
            let odd = [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'}', b'\\', b'\n'];
            bytes[at] = odd[numbers.below(odd.len())];
        }
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => {
            let repeated = bytes[at..end].to_vec();
            bytes.splice(at..at, repeated);
        }
        5 => {
            let from = numbers.below(other.len());
            let to = (from + 1 + numbers.below(48)).min(other.len());
            let end = if numbers.below(2) == 0 { at } else { end };
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            let word = words[numbers.below(words.len())];
            let end = if numbers.below(3) == 0 { end } else { at };
            bytes.splice(at..end, word.bytes());
        }
    }
}
