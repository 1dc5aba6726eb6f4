//! What happens to an input: bits, bytes, numbers, pieces, words.

use flatrun::data::Generator;

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    u64::MAX / 8,
];

/// One to four changes of `seed`; pieces may come from `other`, words from `words`.
pub fn mutated(seed: &[u8], other: &[u8], words: &[&str], random: &mut Generator) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        change(&mut bytes, other, words, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut Generator) {
    let at = random.below(bytes.len() as u64 + 1) as usize;
    let span = at..(at + 1 + random.below(16) as usize).min(bytes.len()).max(at);
    match random.below(9) {
        0 => bytes[span].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => bytes[span].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
        2 => number(bytes, at, random),
        3 => drop(bytes.drain(span)),
        4 => {
            let piece = bytes[span].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => bytes.truncate(at),
        6 => bytes.extend(std::iter::repeat_n(random.below(256) as u8, random.below(40) as usize)),
        7 => {
            let from = random.below(other.len() as u64 + 1) as usize;
            bytes.splice(at..at, other[from..(from + 24).min(other.len())].iter().copied());
        }
        _ => {
            let word = words.get(random.below(words.len() as u64) as usize).copied().unwrap_or_default();
            bytes.splice(at..at, word.bytes());
        }
    }
}

/// Writes a number of one, two, four or eight bytes, in either order.
fn number(bytes: &mut [u8], at: usize, random: &mut Generator) {
    let value = NUMBERS[random.below(NUMBERS.len() as u64) as usize].to_le_bytes();
    let mut value = value[..1 << random.below(4)].to_vec();
    if random.below(2) == 0 {
        value.reverse();
    }
    bytes[at..].iter_mut().zip(value).for_each(|(byte, new)| *byte = new);
}
